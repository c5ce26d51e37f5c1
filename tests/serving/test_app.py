import json
import logging
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from data.errors import CheckpointRefused
from data.readers import iter_articles
from models.result import Result
from serving.app import create_app
from serving.auth import ApiKey
from serving.problems import MEDIA_TYPE, TABLE
from serving.schemas import EXAMPLE_REQUEST, AnalyzeResponse, ProblemBody
from serving.score import score_articles
from tests.serving.conftest import make_settings
from tests.serving.fakes import MODEL, POISON, FakePredictor

JSON = {"Content-Type": "application/json"}
TEXT = "青屏市与海岳装备签约，总投资46亿元。"


def post(client, *documents, path="/v1/analyze", headers=None, **options):
    body = {"documents": list(documents)} | ({"options": options} if options else {})
    return client.post(path, json=body, headers=headers)


def check_problem(response, code, status):
    assert (response.status_code, response.headers["content-type"]) == (status, MEDIA_TYPE), response.text
    row = response.json()
    ProblemBody.model_validate(row)
    assert (row["code"], row["status"], row["type"]) == (code, status, f"urn:zhaoshang:problem:{code}")
    assert row["instance"].endswith(response.headers["x-request-id"])
    return row


# Results ---------------------------------------------------------------------------------------------------------


def test_documents_come_back_in_order_each_failure_in_its_place(client):
    documents = [{"id": "a", "text": TEXT}, {"id": "b", "text": " \n\u200b"}, {"id": "c", "text": f"{POISON}的文章"}, {"id": "d", "text": TEXT}]
    response = post(client, *documents)
    assert response.status_code == 200
    body = response.json()
    AnalyzeResponse.model_validate(body)
    assert [entry["id"] for entry in body["results"]] == ["a", "b", "c", "d"]
    assert [entry.get("error", {}).get("code") for entry in body["results"]] == [None, "empty_text", "model_failed", None]
    assert body["model"] == MODEL


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"text": ""}, "empty_text"),
        ({"text": "\ufeff\u3000\n", "title": "只有标题"}, "empty_text"),
        ({"text": "经清洗后为空"}, "empty_text"),
        ({"text": "长" * 201}, "too_long"),
        ({"text": "PK\x03\x04" + "\x00\x01\x02\x03" * 20}, "not_text"),
        ({"text": "\ufffd" * 40 + "乱码"}, "not_text"),
        ({"text": f"前\ud800{TEXT}"}, "bad_encoding"),
        ({"text": TEXT, "title": "\udfff"}, "bad_encoding"),
        ({"text": TEXT, "id": "\ud800"}, "bad_encoding"),
        ({"text": TEXT, "title": "题" * 2001}, "bad_field"),
        ({"text": TEXT, "id": "first"}, "duplicate_id"),
        ({"text": POISON}, "model_failed"),
    ],
)
def test_one_bad_document_costs_no_neighbour(client, document, code):
    neighbours = [{"id": "first", "text": TEXT}, {"id": "last", "text": TEXT}]
    body = json.dumps({"documents": [neighbours[0], document, neighbours[1]]})  # ASCII, so lone surrogates travel as \ud800
    results = client.post("/v1/analyze", content=body, headers=JSON).json()["results"]
    assert results[1]["error"]["code"] == code
    assert POISON not in results[1]["error"]["message"]
    assert [results[i]["summary"]["text"] for i in (0, 2)] == [f"={TEXT}"] * 2


def test_first_good_document_of_an_id_is_scored(client):
    results = post(client, {"id": "x", "text": " "}, {"id": "x", "text": TEXT}, {"id": "x", "text": TEXT}).json()["results"]
    assert [entry.get("error", {}).get("code") for entry in results] == ["empty_text", None, "duplicate_id"]


def test_same_documents_get_the_same_answer_as_by_score(client, predictor, tmp_path):
    documents = [
        {"id": "good", "text": TEXT, "title": "签约"},
        {"id": "blank", "text": " \n"},
        {"id": "invisible", "text": "\u200b\x00\ufeff"},
        {"id": "binary", "text": "\x00\x01" * 50},
        {"id": "lost", "text": "\ufffd" * 40 + TEXT},
        {"id": "misread", "text": TEXT.encode().decode("latin-1")},
        {"id": "half", "text": f"前\ud800{TEXT}"},
        {"id": "long-title", "text": TEXT, "title": "题" * 2001},
        {"id": "half-title", "text": TEXT, "title": "\udfff"},
        {"id": "half-source", "text": TEXT, "source": "\udfff"},
        {"id": "good", "text": TEXT},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents), "utf-8")
    scored = score_articles(iter_articles([tmp_path / "in.jsonl"]), predictor)
    expected = [(o.id, o.to_json()) if isinstance(o, Result) else (o.id, o.code) for o in scored]
    answers = [client.post("/v1/analyze", content=json.dumps({"documents": documents[i : i + 4]}), headers=JSON).json() for i in range(0, 8, 4)]
    answers.append(client.post("/v1/analyze", content=json.dumps({"documents": [documents[0], *documents[8:]]}), headers=JSON).json())
    entries = [entry for answer in answers for entry in answer["results"]]
    del entries[8]  # the first document once more, for the duplicate of its id
    assert [(entry["id"], entry["error"]["code"] if "error" in entry else entry) for entry in entries] == expected


def test_stray_control_characters_and_astral_text_are_scored_with_true_offsets(client):
    text = f"𠮷\x00兴镇\r\n{TEXT}"
    entry = post(client, {"text": text}).json()["results"][0]
    mention = entry["outcomes"]["mentions"][0]
    assert mention["text"] == "46亿元" == text[mention["start"] : mention["end"]]


def test_missing_id_is_stable_and_depends_on_position_and_text(client):
    first, second, third = (
        entry["id"] for entry in post(client, {"text": TEXT}, {"text": TEXT}, {"text": TEXT + "。", "id": None}).json()["results"]
    )
    assert len({first, second, third}) == 3
    assert post(client, {"text": TEXT}).json()["results"][0]["id"] == first


@pytest.mark.parametrize(
    ("path", "present"),
    [
        ("/v1/analyze", {"activity", "industry", "summary", "outcomes"}),
        ("/v1/classify", {"activity", "industry"}),
        ("/v1/summarize", {"summary", "outcomes"}),
    ],
)
def test_routes_leave_out_what_they_are_not_about(client, path, present):
    entry = post(client, {"text": TEXT}, path=path).json()["results"][0]
    assert set(entry) & {"activity", "industry", "summary", "outcomes"} == present


def test_options_reach_the_predictor(client):
    entry = post(client, {"text": TEXT}, probs="all", evidence=1, summaries="none").json()["results"][0]
    assert entry["probs"]["activity"] == {"signing": 0.875}
    assert entry["activity"][0]["evidence"] == {"text": TEXT[:5], "start": 0, "end": 5}
    assert "summary" not in entry


def test_documented_example_is_accepted(client):
    example = json.loads(json.dumps(EXAMPLE_REQUEST))
    assert client.post("/v1/analyze", json=example).status_code == 200


def test_model_describes_what_is_loaded(client, predictor):
    assert client.get("/v1/model").json() == predictor.describe()


# Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "bad_json"),
        (b"  ", "bad_json"),
        (b"{", "bad_json"),
        (b'{"documents": [{"text": NaN}]}', "bad_json"),
        (b'{"documents": [{"text": -Infinity}]}', "bad_json"),
        (b'{"documents": [{"text": "a", "text": "b"}]}', "bad_json"),
        (b'{"documents": ' + b"[" * 40 + b"]" * 40 + b"}", "bad_json"),
        (b"[" * 19_000, "bad_json"),
        (b'{"a": ' * 3000, "bad_json"),
        (b'{"documents": ' + b"1" * 5000 + b"}", "bad_json"),
        (b'{"documents": "\xff\xfe"}', "bad_encoding"),
        ('{"documents": [{"text": "园区"}]}'.encode("gb18030"), "bad_encoding"),
        (b'{"documents": [{"text": "\xed\xa0\x80"}]}', "bad_encoding"),
    ],
)
def test_malformed_body_is_400(client, content, code):
    check_problem(client.post("/v1/analyze", content=content, headers=JSON), code, 400)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ("园区", "body"),
        (None, "body"),
        ({}, "documents"),
        ({"documents": {}}, "documents"),
        ({"documents": []}, "documents"),
        ({"documents": ["园区"]}, "documents.0"),
        ({"documents": [{"text": TEXT}, {}]}, "documents.1.text"),
        ({"documents": [{"text": None}]}, "documents.0.text"),
        ({"documents": [{"text": 5}]}, "documents.0.text"),
        ({"documents": [{"text": [TEXT]}]}, "documents.0.text"),
        ({"documents": [{"text": TEXT, "id": 17}]}, "documents.0.id"),
        ({"documents": [{"text": TEXT, "id": ""}]}, "documents.0.id"),
        ({"documents": [{"text": TEXT, "txet": "x"}]}, "documents.0.txet"),
        ({"documents": [{"text": TEXT, "\ud800": "x"}]}, "documents.0.\ufffd"),
        ({"documents": [{"text": TEXT}], "option": {}}, "option"),
        ({"documents": [{"text": TEXT}], "options": None}, "options"),
        ({"documents": [{"text": TEXT}], "options": {"probs": "some"}}, "options.probs"),
        ({"documents": [{"text": TEXT}], "options": {"evidence": 2}}, "options.evidence"),
        ({"documents": [{"text": TEXT}], "options": {"evidence": 1e999}}, "options.evidence"),
        ({"documents": [{"text": TEXT}], "options": {"summaries": []}}, "options.summaries"),
    ],
)
def test_wrong_shape_is_422_with_the_fields_path(client, body, field):
    content = json.dumps(body).replace("Infinity", "1e999")
    row = check_problem(client.post("/v1/analyze", content=content, headers=JSON), "bad_field", 422)
    assert row["detail"].startswith(field)
    assert field == "body" or field in [finding["field"] for finding in row["errors"]]


def test_too_many_documents(client):
    check_problem(post(client, *[{"text": TEXT}] * 5), "too_many_documents", 422)


def test_very_many_unknown_fields_are_refused_cheaply(client):
    row = check_problem(post(client, {"text": TEXT} | {f"f{i}": 1 for i in range(60)}), "bad_field", 422)
    assert len(row.get("errors", [])) <= 20


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=gbk"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
def test_other_media_are_415(client, headers):
    check_problem(client.post("/v1/analyze", content=b'{"documents": []}', headers=headers), "unsupported_media", 415)


@pytest.mark.parametrize("charset", ["utf-8", '"UTF-8"'])
def test_utf8_may_be_named(client, charset):
    content = json.dumps({"documents": [{"text": TEXT}]})
    response = client.post("/v1/analyze", content=content, headers={"Content-Type": f"application/json;charset={charset}"})
    assert response.status_code == 200


def test_unknown_path_and_wrong_method_are_problems(client):
    for path in ("/v1/nothing", "/v1/analyze/", "/docs/assets/none.js", "/%0aid=forged"):
        check_problem(client.get(path), "not_found", 404)
    assert check_problem(client.get("/v1/analyze"), "method_not_allowed", 405)
    assert client.delete("/livez").headers["allow"] == "GET"


def test_body_beyond_the_limit_is_413(client):
    check_problem(client.post("/v1/analyze", content=b"x" * 20_001, headers=JSON), "body_too_large", 413)
    check_problem(client.post("/v1/analyze", content=iter([b"x" * 10_000] * 3), headers=JSON), "body_too_large", 413)


def test_unexpected_failure_is_a_problem_and_its_text_stays_in_the_log(client, monkeypatch):
    monkeypatch.setattr("serving.routes.parse_json", lambda body: 1 / 0)
    row = check_problem(post(client, {"text": TEXT}), "internal", 500)
    assert "division" not in json.dumps(row)


def test_every_code_of_the_table_has_its_status():
    assert {code: status for code, (status, _) in TABLE.items()} == {
        "bad_json": 400, "bad_encoding": 400, "unauthorized": 401, "forbidden": 403, "not_found": 404, "method_not_allowed": 405,
        "body_too_large": 413, "unsupported_media": 415, "bad_field": 422, "too_many_documents": 422, "busy": 429, "internal": 500,
        "not_ready": 503, "deadline": 504,
    }  # fmt: skip


# Keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic reader-key"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"X-API-Key": "钥匙".encode()}, 401),
        ({"Authorization": "Bearer batch-key"}, 403),
        ({"Authorization": "Bearer reader-key"}, 200),
        ({"X-API-Key": "reader-key"}, 200),
    ],
)
def test_keys_and_scopes(predictor, headers, status):
    settings = make_settings(api_keys="reader-key:read, batch-key:batch+review")
    with TestClient(create_app(settings, predictor)) as client:
        for response in (post(client, {"text": TEXT}, headers=headers), client.get("/v1/model", headers=headers)):
            if status == 200:
                assert response.status_code == 200
            else:
                check_problem(response, "unauthorized" if status == 401 else "forbidden", status)
        if status == 401:
            assert response.headers["www-authenticate"] == "Bearer"
        assert client.get("/livez").status_code == client.get("/readyz").status_code == client.get("/docs").status_code == 200


def test_key_is_asked_for_before_the_body_is_looked_at(predictor):
    with TestClient(create_app(make_settings(api_keys=(ApiKey.of("k"),)), predictor)) as client:
        check_problem(client.post("/v1/analyze", content=b"{", headers=JSON), "unauthorized", 401)


# Queue, deadline, readiness --------------------------------------------------------------------------------------


def test_probes_answer_and_a_full_queue_refuses_while_the_model_is_busy():
    predictor = FakePredictor(gate=threading.Event())
    with TestClient(create_app(make_settings(max_queue=1), predictor)) as client, ThreadPoolExecutor() as pool:
        running = pool.submit(post, client, {"id": "1", "text": TEXT})
        assert predictor.entered.wait(10)
        waiting = pool.submit(post, client, {"id": "2", "text": TEXT})
        worker = client.app.state.service.worker
        wait_until(lambda: worker.in_flight == 2)
        started_at = time.monotonic()
        assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
        refused = post(client, {"id": "3", "text": TEXT})
        assert time.monotonic() - started_at < 2
        check_problem(refused, "busy", 429)
        assert int(refused.headers["retry-after"]) >= 1
        assert post(client, {"id": "4", "text": ""}).status_code == 429  # refused before it is read
        predictor.gate.set()
        assert [future.result().json()["results"][0]["id"] for future in (running, waiting)] == ["1", "2"]
        wait_until(lambda: worker.in_flight == 0)
        assert post(client, {"id": "5", "text": TEXT}).status_code == 200
    assert "3" not in [id for batch in predictor.batches for id in batch]


def test_deadline_is_504_and_gives_the_place_back():
    predictor = FakePredictor(gate=threading.Event())
    with TestClient(create_app(make_settings(timeout_s=0.2), predictor)) as client:
        check_problem(post(client, {"text": TEXT}), "deadline", 504)
        predictor.gate.set()
        wait_until(lambda: client.app.state.service.worker.in_flight == 0)
        assert post(client, {"text": TEXT}).status_code == 200


@pytest.mark.parametrize(("text", "together"), [(TEXT, 8), ("招商" * 1500, 2), ("招商" * 9000, 1)])
def test_a_job_past_its_deadline_stops_between_batches(text, together):
    predictor = FakePredictor(gate=threading.Event())
    settings = make_settings(timeout_s=0.2, max_documents=64, max_characters=20_000, max_body_bytes=2 * 10**6)
    with TestClient(create_app(settings, predictor)) as client:
        check_problem(post(client, *[{"id": str(i), "text": text} for i in range(20)]), "deadline", 504)
        predictor.gate.set()
        wait_until(lambda: client.app.state.service.worker.in_flight == 0)
    assert predictor.batches == [["warm-up"], [str(i) for i in range(together)]]


def test_not_ready_until_loaded_and_warm():
    may_load = threading.Event()

    def load(settings):
        assert may_load.wait(10)
        return FakePredictor()

    with TestClient(create_app(make_settings(), load=load)) as client:
        for response in (client.get("/readyz"), post(client, {"text": TEXT}), client.get("/v1/model")):
            check_problem(response, "not_ready", 503)
            assert int(response.headers["retry-after"]) >= 1
        assert client.get("/livez").status_code == 200
        may_load.set()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert post(client, {"text": TEXT}).status_code == 200
        client.app.state.service.stopping = True
        check_problem(client.get("/readyz"), "not_ready", 503)
        check_problem(post(client, {"text": TEXT}), "not_ready", 503)


@pytest.mark.parametrize("error", [CheckpointRefused("models: weights.safetensors has changed"), RuntimeError("no such kernel")])
def test_refused_checkpoint_never_gets_ready_and_says_why(error):
    def load(settings):
        raise error

    with TestClient(create_app(make_settings(), load=load)) as client:
        service = client.app.state.service
        wait_until(lambda: service.failure is not None)
        check_problem(client.get("/readyz"), "not_ready", 503)
        assert str(error) in service.failure.message


def test_failed_self_test_is_a_refused_checkpoint(monkeypatch):
    monkeypatch.setattr("serving.service.EXAMPLE_TEXT", "清洗后为空")
    with TestClient(create_app(make_settings(), FakePredictor())) as client:
        assert client.app.state.service.failure.code == "checkpoint_refused"
        check_problem(client.get("/readyz"), "not_ready", 503)


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


# Request ids and log ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["abc-123_X.y:z", "a" * 128])
def test_harmless_request_id_is_echoed(client, sent):
    assert client.get("/livez", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a" * 129, "a b", "a\tb", "<script>", "编号".encode()])
def test_other_request_ids_are_replaced(client, sent):
    assert re.fullmatch("[0-9a-f]{32}", client.get("/livez", headers={"X-Request-ID": sent}).headers["x-request-id"])


def test_one_log_line_a_request_without_any_text(client, caplog):
    with caplog.at_level(logging.INFO):
        post(client, {"id": "x", "text": TEXT}, {"id": "y", "text": POISON}, headers={"X-Request-ID": "req-1"})
        client.get("/a%0Aid=forged%20status=200")
    lines = [record.getMessage() for record in caplog.records if record.name == "serving.requestlog"]
    expected = rf"id=req-1 method=POST path=/v1/analyze status=200 documents=2 characters={len(TEXT + POISON)} ms=\d+"
    assert re.fullmatch(expected, lines[0])
    assert len(lines) == 2 and "\n" not in lines[1] and " status=404 " in lines[1] and "forged status" not in lines[1]
    assert TEXT not in caplog.text and POISON not in caplog.text


# Documentation ---------------------------------------------------------------------------------------------------


def test_docs_page_works_without_a_network(client):
    page = client.get("/docs")
    links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", page.text)
    assert {"docs/assets/swagger-ui-bundle.js", "docs/assets/swagger-ui.css", "openapi.json"} <= set(links)
    assert "//" not in "".join(links)
    assert not re.search("https?://", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    for link in links:
        assert client.get(f"/{link}").status_code == 200, link


def test_index_leads_to_the_docs(client):
    assert client.get("/").url.path == "/docs"


def test_openapi_is_complete(client):
    document = client.get("/openapi.json").json()
    for path in ("/v1/analyze", "/v1/classify", "/v1/summarize"):
        operation = document["paths"][path]["post"]
        assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/AnalyzeRequest"}
        assert set(operation["responses"]) == {"200", "400", "401", "403", "413", "415", "422", "429", "503", "504"}
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
    assert "临溪市" in json.dumps(document["components"]["schemas"]["AnalyzeRequest"], ensure_ascii=False)
    assert set(document["components"]["securitySchemes"]) == {"HTTPBearer", "APIKeyHeader"}
