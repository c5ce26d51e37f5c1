"""``python -m training pretrain | finetune | evaluate``: results to stdout, the log to stderr."""

import logging
import sys

import typer

from data.errors import ZhaoshangError
from models.offline import go_offline
from training.config import EvaluateConfig, FinetuneConfig, PretrainConfig, options_from

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Make base models, fine-tune them, measure them.")
pretrain_app = typer.Typer(no_args_is_help=True, help="Compact base models from public Chinese text; resumes after any stop.")
finetune_app = typer.Typer(no_args_is_help=True, help="A checkpoint from a base and annotated articles.")
app.add_typer(pretrain_app, name="pretrain")
app.add_typer(finetune_app, name="finetune")


def _pretrain(config: PretrainConfig) -> None:
    from training.pretrain import pretrain

    typer.echo(pretrain(config))


def _finetune(config: FinetuneConfig) -> None:
    if config.kind == "classifier":
        from training.finetune import finetune_classifier as finetune
    else:
        from training.finetune_summarizer import finetune_summarizer as finetune
    manifest = finetune(config)
    typer.echo(f"{manifest.tag} {manifest.sha256[:12]} in {config.output}")


def _evaluate(config: EvaluateConfig) -> None:
    go_offline()  # only a base for fine-tuning may come from a hub
    from training.evaluation import run_evaluation
    from training.report import append_experiment, markdown_report

    report = run_evaluation(config)
    if config.log:
        append_experiment(config.log, report, f"Evaluation on {config.data.name}", config.note)
    typer.echo(markdown_report(report))


app.command("evaluate", help="A checkpoint beside its baselines on annotated articles, as a table and as JSON.")(
    options_from(EvaluateConfig)(_evaluate)
)
pretrain_app.command("encoder", help="Masked language modelling.")(options_from(PretrainConfig, kind="encoder")(_pretrain))
pretrain_app.command("seq2seq", help="Denoising, then body to title or brief.")(options_from(PretrainConfig, kind="seq2seq")(_pretrain))
finetune_app.command("classifier", help="Activity and industry labels.")(options_from(FinetuneConfig, kind="classifier")(_finetune))
finetune_app.command("summarizer", help="Outcome summaries.")(options_from(FinetuneConfig, kind="summarizer")(_finetune))


def main() -> None:
    """Run the command; a plain line and exit status 2 where it cannot go on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        app()
    except ZhaoshangError as error:
        print(f"error: {error.message}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
