"""``python -m training pretrain | finetune | evaluate | robustness | promote | rollback | leaveout | curve | bases | plot | blind | audit``: results to stdout, the log to stderr."""

import json
import logging
import sys
from pathlib import Path

import typer

from data.errors import ZhaoshangError
from models.offline import go_offline
from training.config import (
    AuditConfig,
    BasesConfig,
    BlindConfig,
    CopyConfig,
    CurveConfig,
    EvaluateConfig,
    FinetuneConfig,
    LabelsConfig,
    LeaveoutConfig,
    OutcomesConfig,
    PlotConfig,
    PretrainConfig,
    PromoteConfig,
    RobustnessConfig,
    RollbackConfig,
    SelectionConfig,
    options_from,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Make base models, fine-tune them, measure them.")
pretrain_app = typer.Typer(no_args_is_help=True, help="Compact base models from public Chinese text; resumes after any stop.")
finetune_app = typer.Typer(no_args_is_help=True, help="A checkpoint from a base and annotated articles.")
app.add_typer(pretrain_app, name="pretrain")
app.add_typer(finetune_app, name="finetune")


def _pretrain(config: PretrainConfig) -> None:
    from training.pretrain import pretrain

    typer.echo(pretrain(config))


def _pretrain_labels(config: LabelsConfig) -> None:
    from training.label_stage import pretrain_on_labels

    typer.echo(pretrain_on_labels(config))


def _pretrain_copy(config: CopyConfig) -> None:
    from training.copying import pretrain_copying

    typer.echo(pretrain_copying(config))


def _finetune(config: FinetuneConfig) -> None:
    if config.kind == "classifier":
        from training.finetune import finetune_classifier as finetune
    else:
        from training.finetune_summarizer import finetune_summarizer as finetune
    manifest = finetune(config)
    typer.echo(f"{manifest.tag} {manifest.sha256[:12]} in {config.output}")


def _finetune_outcomes(config: OutcomesConfig) -> None:
    from training.finetune_outcomes import finetune_outcomes

    manifest = finetune_outcomes(config)
    typer.echo(f"{manifest.tag} {manifest.sha256[:12]} in {config.output}")


def _finetune_selection(config: SelectionConfig) -> None:
    from training.finetune_selection import finetune_selection

    manifest = finetune_selection(config)
    typer.echo(f"{manifest.tag} {manifest.sha256[:12]} in {config.output}")


def _evaluate(config: EvaluateConfig) -> None:
    go_offline()  # only a base for fine-tuning may come from a hub
    from training.evaluation import run_evaluation
    from training.report import append_experiment, markdown_report

    report = run_evaluation(config)
    if config.log:
        append_experiment(config.log, report, f"Evaluation on {config.data.name}", config.note)
    typer.echo(markdown_report(report))
    if config.pin:  # after the log: floors that may not fall are no reason to lose a run
        from training.floors import pin_floors

        typer.echo(f"floors of {config.pin}: {pin_floors(report, config.pin, lower=config.lower_floors)}", err=True)
    if report.get("floors", {}).get("below") and not config.pin:
        raise typer.Exit(1)


def _robustness(config: RobustnessConfig) -> None:
    go_offline()
    from training.robustness import robustness_table, run_robustness

    typer.echo(robustness_table(run_robustness(config)))


def _promote(config: PromoteConfig) -> None:
    go_offline()
    from training.promotion import promote

    row = promote(config)
    typer.echo(f"promoted {row['now']}, before {row['before'] or 'nothing'}")
    for key, (difference, low, high) in row["differences"].items():
        typer.echo(f"  {key:28} {difference:+.3f} ({low:+.3f} to {high:+.3f})")
    for finding in row["findings"]:
        typer.echo(f"  DESPITE {finding}: {row['despite']}")


def _rollback(config: RollbackConfig) -> None:
    from training.promotion import rollback

    row = rollback(config)
    typer.echo(f"back to {row['now']}, taken out {row['before']}")


def _leaveout(config: LeaveoutConfig) -> None:
    from training.leaveout import run_leaveout

    suspects = run_leaveout(config)
    typer.echo(f"{len(suspects)} suspected labels of {len({s.id for s in suspects})} articles in {config.output}")


def _curve(config: CurveConfig) -> None:
    from training.curve import curve_table, run_curve

    typer.echo(curve_table(run_curve(config)))


def _bases(config: BasesConfig) -> None:
    from training.bases import bases_table, run_bases

    typer.echo(bases_table(run_bases(config)))


def _plot(config: PlotConfig) -> None:
    from training.plot import plot_logs, read_logs

    plot_logs(read_logs([Path(run.strip()) for run in config.runs.split(",") if run.strip()]), config.output)
    typer.echo(config.output)


def _blind(config: BlindConfig) -> None:
    go_offline()
    from training.blind import count_sheet, write_sheet

    if config.count is not None:
        typer.echo(json.dumps(count_sheet(config.count)))
    else:
        typer.echo(f"{write_sheet(config)} pairs in {config.output}")


def _audit(config: AuditConfig) -> None:
    from training.audit import run_audit

    typer.echo(json.dumps(run_audit(config), indent=1))


app.command("evaluate", help="A checkpoint beside its baselines on annotated articles, as a table and as JSON.")(
    options_from(EvaluateConfig)(_evaluate)
)
app.command("robustness", help="Labels of articles as they are and with crawl noise, moved paragraphs, another city's name.")(
    options_from(RobustnessConfig)(_robustness)
)
app.command("promote", help="Put a checkpoint in place, if it holds the floors and does not lose to the one there.")(
    options_from(PromoteConfig)(_promote)
)
app.command("rollback", help="Put the checkpoint back that the last promotion replaced.")(options_from(RollbackConfig)(_rollback))
app.command("leaveout", help="Suspected label errors: what a system trained on the other articles does not expect.")(
    options_from(LeaveoutConfig)(_leaveout)
)
app.command("curve", help="Learning curve over shares of the real articles, with and without the written ones.")(options_from(CurveConfig)(_curve))
app.command("bases", help="Base models side by side: fine-tuned alike, and their frozen states.")(options_from(BasesConfig)(_bases))
app.command("plot", help="Loss and throughput of pretraining runs.")(options_from(PlotConfig)(_plot))
app.command("blind", help="Two summaries of an article without names: a sheet for a reader, and its count.")(options_from(BlindConfig)(_blind))
app.command("audit", help="The corpus as a whole: written against real articles, first against second summaries.")(options_from(AuditConfig)(_audit))
pretrain_app.command("encoder", help="Masked language modelling.")(options_from(PretrainConfig, kind="encoder")(_pretrain))
pretrain_app.command("seq2seq", help="Denoising, then body to title or brief.")(options_from(PretrainConfig, kind="seq2seq")(_pretrain))
pretrain_app.command("labels", help="Second stage of an encoder: soft labels of labelling functions.")(options_from(LabelsConfig)(_pretrain_labels))
pretrain_app.command("copy", help="A decoder that copies, behind an encoder base: titles, briefs, central sentences.")(
    options_from(CopyConfig)(_pretrain_copy)
)
finetune_app.command("classifier", help="Activity and industry labels.")(options_from(FinetuneConfig, kind="classifier")(_finetune))
finetune_app.command("summarizer", help="Outcome summaries.")(options_from(FinetuneConfig, kind="summarizer")(_finetune))

finetune_app.command("selection", help="Which clauses make the summary.")(options_from(SelectionConfig)(_finetune_selection))
finetune_app.command("outcomes", help="Which figure is which fact.")(options_from(OutcomesConfig)(_finetune_outcomes))


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
