"""``create_app(settings)``: the ASGI application with its lifespan, middleware, error handlers, routes and docs page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from serving.limits import BodyLimit
from serving.loading import Predictor, load_predictor
from serving.problems import Problem, handle_http_exception, handle_problem, handle_validation
from serving.requestlog import RequestLog
from serving.routes import router
from serving.schemas import AnalyzeRequest, ProblemBody, add_schemas
from serving.service import Load, Service
from serving.settings import Settings
from serving.worker import ClientGone

VERSION = "1"
CLIENT_GONE = 499  # for the log; nobody receives it
DESCRIPTION = "Reads Chinese investment-promotion news (招商引资): activity and industry labels, a summary, figures with offsets."
# The page must work without a network and never reach for one.
DOCS_POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class Application(FastAPI):
    """FastAPI whose OpenAPI document also holds the bodies that our routes read themselves."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, built once."""
        fresh = self.openapi_schema is None
        document = super().openapi()
        if fresh:
            add_schemas(document, AnalyzeRequest)
            add_schemas(document, ProblemBody)
        return document


def create_app(settings: Settings, predictor: Predictor | None = None, *, load: Load | None = None) -> FastAPI:
    """Build the application.

    Args:
        settings: read once by the caller.
        predictor: already loaded; without it the lifespan loads ``settings.checkpoint`` in the background, and
            ``/readyz`` answers 503 until it is loaded and warm.
        load: another way to load it.

    """
    service = Service(settings, (lambda _: predictor) if predictor else load or _load)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        starting = asyncio.create_task(service.start())
        if predictor:
            await starting
        yield
        service.stopping = True
        starting.cancel()
        await asyncio.to_thread(service.worker.stop)

    app = Application(
        title="Zhaoshang", version=VERSION, description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.service, app.state.settings = service, settings
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(RequestLog)  # added last, so outermost
    _add_handlers(app)
    app.include_router(router)
    app.include_router(_docs_router())
    app.mount("/docs/assets", StaticFiles(directory=str(files("fastapi_offline") / "static")))
    return app


def _load(settings: Settings) -> Predictor:
    return load_predictor(settings.checkpoint, settings.device, settings.threads)


def _add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Problem, handle_problem)
    app.add_exception_handler(HTTPException, handle_http_exception)
    app.add_exception_handler(RequestValidationError, handle_validation)
    app.add_exception_handler(ClientGone, _handle_gone)
    app.add_exception_handler(ClientDisconnect, _handle_gone)


async def _handle_gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


def _docs_router() -> APIRouter:
    """Return the page at ``/docs``, with Swagger UI from the package ``fastapi-offline`` instead of a CDN."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> Response:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title="Zhaoshang API",
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon.png",
            swagger_ui_parameters={"validatorUrl": None},  # the default asks validator.swagger.io
        )
        page.headers["Content-Security-Policy"] = DOCS_POLICY
        return page

    return router
