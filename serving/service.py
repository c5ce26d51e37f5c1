"""What one server process holds: settings, the loaded predictor, its worker, and whether it is ready.

``start`` loads and warms the models in the inference thread while probes are already answered.
"""

import logging
import threading
from collections.abc import Callable

import orjson
from starlette.types import Receive

from data.errors import RecordError, ZhaoshangError
from data.schema import Article
from models.result import Options, Result
from serving.loading import Predictor
from serving.problems import RETRY_AFTER_S, Problem
from serving.schemas import EXAMPLE_TEXT
from serving.score import Outcome, score_articles
from serving.settings import Settings
from serving.strictjson import without_surrogates
from serving.worker import ClientGone, Worker

logger = logging.getLogger(__name__)
Load = Callable[[Settings], Predictor]
# Of one model call. Smaller than those of ``score``: nobody may wait for a request any more, and others wait behind it.
BATCH_CHARACTERS = 8_000
BATCH_ARTICLES = 8


class Service:
    """The state behind the routes."""

    def __init__(self, settings: Settings, load: Load) -> None:
        """Load nothing yet."""
        self.settings = settings
        self.worker = Worker(settings.max_queue)
        self.stopping = False
        self.failure: ZhaoshangError | None = None
        self.on_failure: Callable[[], None] = lambda: None
        self.model: dict[str, object] = {}  # the envelope's "model", as every result carries it
        self.description = b""  # the body of GET /v1/model
        self._load = load
        self._predictor: Predictor | None = None

    async def start(self) -> None:
        """Load the predictor and score one article; ready afterwards, or ``failure`` says why not."""
        try:
            await self.worker.run(self._load_and_warm)
        except ZhaoshangError as error:
            self._fail(error)
        except Exception as error:  # the edge: the server must stop with a reason, not hang unready
            logger.exception("loading failed")
            self._fail(ZhaoshangError(f"{self.settings.checkpoint}: loading failed ({type(error).__name__}: {error})", "checkpoint_refused"))

    def _load_and_warm(self, _: threading.Event) -> None:
        predictor = self._load(self.settings)
        outcome = predictor.analyze([Article("warm-up", EXAMPLE_TEXT)], Options())[0]
        if not isinstance(outcome, Result):
            raise ZhaoshangError(f"{self.settings.checkpoint}: the self-test failed ({outcome.message})", "checkpoint_refused")
        self.model = outcome.model
        self.description = orjson.dumps(predictor.describe(), option=orjson.OPT_SERIALIZE_NUMPY)
        self._predictor = predictor

    def _fail(self, error: ZhaoshangError) -> None:
        self.failure = error
        self.on_failure()

    def ready_predictor(self) -> Predictor:
        """Return the loaded predictor.

        Raises:
            Problem: ``not_ready``: still loading, failed to load, or shutting down.

        """
        if self._predictor is None or self.stopping:
            reason = (
                "the server is shutting down"
                if self.stopping
                else "the models could not be loaded"
                if self.failure
                else "the models are being loaded"
            )
            raise Problem("not_ready", reason, headers={"Retry-After": str(RETRY_AFTER_S)})
        return self._predictor

    async def analyze(self, articles: list[Article], options: Options, deadline: float, receive: Receive) -> list[Outcome]:
        """Score the articles of one request in the inference thread; see ``Worker.run`` for what it raises."""
        predictor = self.ready_predictor()

        def job(stop: threading.Event) -> list[Outcome]:
            outcomes: list[Outcome] = []
            for outcome in score_articles(articles, predictor, options, BATCH_CHARACTERS, BATCH_ARTICLES):  # scores a batch when asked for its first
                if stop.is_set():
                    raise ClientGone
                outcomes.append(outcome)
            return outcomes

        return await self.worker.run(job, deadline, receive) if articles else []


def entry_of(record: Article | RecordError, outcome: Outcome) -> orjson.Fragment:
    """Return the entry of ``results`` for one document, encoded alone so that none can spoil the answer."""
    if isinstance(outcome, Result):
        try:
            return orjson.Fragment(orjson.dumps(outcome.to_json(), option=orjson.OPT_SERIALIZE_NUMPY))
        except TypeError:  # orjson's: a value JSON cannot hold
            logger.exception("a result cannot be encoded")
            outcome = RecordError("model_failed", "the result cannot be encoded")
    return orjson.Fragment(orjson.dumps({"id": without_surrogates(record.id), "error": {"code": outcome.code, "message": outcome.message}}))
