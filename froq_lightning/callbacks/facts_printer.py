"""Behind all other callbacks: prints what they told of a run, where `--json` asks for it."""

from lightning.pytorch import Callback, LightningModule, Trainer

from froq_lightning.terminal.console import print_facts


class FactsPrinter(Callback):
    """Prints the JSON object, in the process that wrote the outputs: with `ddp_spawn` it is not the one that ends."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the object, once."""
        del pl_module
        if trainer.is_global_zero:
            print_facts()

    on_predict_end = on_test_end = on_validation_end
