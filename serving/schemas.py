"""Bodies of the API: what a request may hold, what an answer holds, with Chinese examples for the OpenAPI document.

Requests are validated by these models. Answers are written straight from ``Result.to_json()``; their models here only
document them (a test checks that real results fit).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from models.result import Options

EXAMPLE_TEXT = (
    "本报讯 5月18日，临溪市高端装备产业招商推介会在市会展中心举行。会上集中签约项目12个，总投资46.5亿元，"
    "涉及数控机床、新能源汽车零部件等领域。其中，澜舟精工投资8亿元的减速器项目落户临溪经开区。"
)
EXAMPLE_REQUEST: dict[str, JsonValue] = {
    "documents": [
        {"id": "lx-0518", "title": "临溪市签约12个高端装备项目", "text": EXAMPLE_TEXT, "published": "2024-05-18", "source": "临溪日报"},
        {"id": "lx-0519", "title": None, "text": "澜舟精工董事长一行到临溪经开区考察，双方就减速器项目用地进行了座谈。"},
    ],
    "options": {"probs": "labels", "evidence": False, "summaries": "all"},
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Document(_Strict):
    """One article. ``text`` is taken as it is; all offsets of the answer count its Unicode code points."""

    text: str = Field(description="the article's text; artefacts of the crawl may stay in")
    id: str | None = Field(
        default=None, min_length=1, max_length=512, description="comes back with the result; a stable hash of position and text if absent"
    )
    title: str | None = Field(default=None, description="read by the models, has no offsets; beyond 2,000 characters the document is refused")
    published: str | None = Field(default=None, max_length=200, description="date, as text")
    source: str | None = Field(default=None, max_length=2000, description="newspaper, site or account")


class RequestOptions(_Strict):
    """What the answer shall hold beyond the usual."""

    probs: Literal["labels", "all"] = Field(default="labels", description="all: the probability of every label")
    evidence: Annotated[bool, Field(strict=False)] = Field(default=False, description="1: the sentence that speaks most for each label")
    summaries: Literal["all", "domain", "none"] = Field(
        default="all", description="which articles get a summary; domain: those about investment promotion"
    )

    def to_options(self, *, labels: bool, summary: bool) -> Options:
        """Return the predictor's options for a route."""
        return Options(labels=labels, summary=summary, probs=self.probs, evidence=self.evidence, summaries=self.summaries)


class AnalyzeRequest(_Strict):
    """The body of ``/v1/analyze``, ``/v1/classify`` and ``/v1/summarize``."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_REQUEST]})

    documents: list[Document] = Field(min_length=1)
    options: RequestOptions = RequestOptions()


# Answers -------------------------------------------------------------------------------------------------------


class EvidenceBody(BaseModel):
    """A sentence of the submitted text."""

    text: str
    start: int
    end: int


class LabelBody(BaseModel):
    """One label with its calibrated probability."""

    label: str = Field(examples=["signing"])
    name: str = Field(examples=["项目签约"])
    prob: float = Field(ge=0, le=1)
    evidence: EvidenceBody | None = Field(default=None, description="with the option evidence")


class SummaryBody(BaseModel):
    """The summary; ``ungrounded`` lists figures and names the article does not support."""

    text: str = Field(examples=["临溪市举行高端装备产业招商推介会，集中签约项目12个，总投资46.5亿元。"])
    method: Literal["abstractive", "extractive"]
    ungrounded: list[str]


class MentionBody(BaseModel):
    """One figure: ``text == submitted[start:end]``; ``value`` and ``max`` are decimal strings in ``unit``."""

    text: str = Field(examples=["46.5亿元"])
    start: int
    end: int
    kind: Literal["amount", "count", "date", "percent", "area", "other"]
    value: str = Field(examples=["4650000000"])
    max: str | None
    unit: str = Field(examples=["CNY"])
    qualifier: Literal["exact", "about", "over", "under", "nearly", "range"]
    role: Literal["investment", "fixed_assets", "paid_in", "credit", "output", "tax", "trade", "other"] | None
    scope: Literal["project", "batch", "part", "threshold", "background"] | None
    status: Literal["signed", "intent", "planned", "talks", "started", "completed", "promoted", "unknown"] | None


class OutcomesBody(BaseModel):
    """The four facts (amounts in 亿元) and the figures they rest on."""

    signed_projects: int | None
    signed_amount: float | None
    total_projects: int | None
    total_amount: float | None
    mentions: list[MentionBody]
    conflicts: list[str]


class ReviewBody(BaseModel):
    """Whether a person should look, and why."""

    needed: bool
    reasons: list[Literal["low_confidence", "windows_disagree", "out_of_domain", "damaged_input", "ungrounded", "conflict", "truncated"]]


class InputBody(BaseModel):
    """What was read of the document."""

    characters: int
    tokens: int
    tokens_used: int
    truncated: bool
    cleaning: list[str]


class ModelBody(BaseModel):
    """The checkpoints that answered."""

    classifier: str = Field(examples=["NAME@VERSION"])
    summarizer: str = Field(examples=["NAME@VERSION"])
    taxonomy: int


class ResultBody(BaseModel):
    """One result. ``/v1/classify`` leaves out summary and outcomes, ``/v1/summarize`` the label lists."""

    id: str
    activity: list[LabelBody] | None = Field(default=None, min_length=1, max_length=4, description="the main activity first")
    industry: list[LabelBody] | None = Field(default=None, max_length=8)
    probs: dict[str, dict[str, float]] | None = Field(default=None, description="with probs=all: group, label, probability")
    summary: SummaryBody | None = None
    outcomes: OutcomesBody | None = None
    review: ReviewBody
    input: InputBody
    model: ModelBody


class DocumentError(BaseModel):
    """Why one document has no result; the others have theirs."""

    code: Literal["empty_text", "too_long", "not_text", "bad_encoding", "bad_field", "duplicate_id", "model_failed"]
    message: str


class FailedBody(BaseModel):
    """The place of a document that could not be scored."""

    id: str
    error: DocumentError


class AnalyzeResponse(BaseModel):
    """N documents in, N entries out, in order."""

    results: list[ResultBody | FailedBody]
    model: ModelBody


class FindingBody(BaseModel):
    """One invalid field."""

    field: str = Field(examples=["documents.3.text"])
    message: str


class ProblemBody(BaseModel):
    """RFC 9457 problem details with our stable ``code``."""

    type: str = Field(examples=["urn:zhaoshang:problem:busy"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["busy"])
    instance: str | None = None
    errors: list[FindingBody] | None = None


def request_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI ``requestBody`` of a route that reads its body itself."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


def add_schemas(openapi: dict[str, Any], model: type[BaseModel]) -> None:
    """Add a model and those it refers to to the components of an OpenAPI document."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    components = openapi.setdefault("components", {}).setdefault("schemas", {})
    components |= schema.pop("$defs", {}) | {model.__name__: schema}
