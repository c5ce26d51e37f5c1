"""``python -m serving run | score``: the API server, and scoring of crawl dumps.

Exit status: 0 all scored; 1 some records are in the error file; 2 wrong usage, or the run could not start or go on
(the last line says why).
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from data.errors import InputError, ZhaoshangError
from models.offline import go_offline
from models.paths import DEFAULT_CHECKPOINT
from models.result import Options
from serving.loading import load_predictor
from serving.output import errors_path
from serving.scorejob import ScoreJob, ScoreSummary, run_score_job
from serving.settings import load_settings

logger = logging.getLogger(__name__)
# Plain usage errors: their last line must say why, not be the border of a box.
app = typer.Typer(help="Serve and score.", rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True, add_completion=False)

Device = Literal["auto", "cpu", "cuda"]


@app.command()
def run(
    host: Annotated[str | None, typer.Option(help="address to listen on [ZHAOSHANG_HOST, default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on [ZHAOSHANG_PORT, default: 8000]")] = None,
    device: Annotated[Device | None, typer.Option(help="where the models run [ZHAOSHANG_DEVICE, default: auto]")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="folder of the checkpoint [ZHAOSHANG_CHECKPOINT, default: models/default]")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; 0: torch's own choice [ZHAOSHANG_THREADS, default: 0]")] = None,
) -> None:
    """Serve the API. Every setting is a ZHAOSHANG_ variable or a line of .env; the options here win over them."""
    _log_to_stderr(logging.INFO)
    with _exit_status():
        from serving.server import serve

        serve(load_settings(host=host, port=port, device=device, checkpoint=checkpoint, threads=threads))


@app.command()
def score(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="files, folders and globs; read as one stream", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="file to write: .jsonl or .csv", show_default=False)],
    device: Annotated[Device, typer.Option(help="where the models run")] = "auto",
    checkpoint: Annotated[Path, typer.Option(help="folder of the checkpoint", show_default="models/default")] = DEFAULT_CHECKPOINT,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: torch's own choice")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on with a run that was stopped; starts one where there is none")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace what lies at OUT: an unfinished run, or a file of another origin")] = False,
    column: Annotated[list[str] | None, typer.Option(metavar="FIELD=NAME", help="column of a field, e.g. text=NAME; may be repeated")] = None,
    summaries: Annotated[Literal["all", "domain", "none"], typer.Option(help="which articles get a summary")] = "all",
    probs: Annotated[Literal["labels", "all"], typer.Option(help="all: the probability of every label")] = "labels",
    evidence: Annotated[bool, typer.Option("--evidence", help="add to each label the sentence that speaks most for it")] = False,
    engine: Annotated[Literal["local"], typer.Option(help="what spreads the work")] = "local",
    table: Annotated[bool, typer.Option("--table", help="also print a readable table to stdout")] = False,
) -> None:
    """Score a crawl dump; records that cannot be scored go to OUT.errors.jsonl with the reason."""
    _log_to_stderr(logging.WARNING)
    go_offline()
    with _exit_status():
        options = Options(probs=probs, evidence=evidence, summaries=summaries)
        job = ScoreJob(tuple(inputs), output, options, _read_columns(column or []), resume, overwrite, table)
        _report(job, run_score_job(job, lambda: load_predictor(checkpoint, device, threads)))


def _report(job: ScoreJob, summary: ScoreSummary) -> None:
    """Print the counts; raise the exit status 1 where records are in the error file."""
    codes = f" ({', '.join(f'{code} {n}' for code, n in summary.codes.most_common())})" if summary.codes else ""
    failed = f"; {summary.errors:,} errors in {errors_path(job.output)}{codes}" if summary.errors else ""
    typer.echo(f"{summary.records - summary.errors:,} of {summary.records:,} records scored in {job.output}{failed}", err=True)
    if summary.errors:
        raise typer.Exit(1)


def _read_columns(given: list[str]) -> dict[str, str]:
    columns = dict(entry.split("=", 1) for entry in given if "=" in entry)
    if len(columns) < len(given):
        raise InputError(f"--column takes FIELD=NAME, each field once, got: {' '.join(given)}", "bad_field")
    return columns


def _log_to_stderr(level: int) -> None:
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")


@contextmanager
def _exit_status() -> Iterator[None]:
    """Turn what stops a run into exit status 2 with the reason as the last line."""
    try:
        yield
    except ZhaoshangError as error:
        reason = error.message
    except KeyboardInterrupt:
        reason = "stopped by Ctrl-C (score goes on with --resume)"
    except typer.Exit:
        raise
    except Exception as error:  # the edge: status 1 would mean that only some records failed
        logger.exception("unexpected")
        reason = f"unexpected {type(error).__name__}: {error}"
    else:
        return
    typer.echo("error: " + " ".join(reason.split()), err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
