"""`froq backbones list`, from metadata and source code alone: it imports neither plugins nor torch."""

from collections.abc import Iterator

from froq_lightning.backbones.inspection import defect
from froq_lightning.backbones.sources import Sources
from froq_lightning.extensions import ALIGNERS, BACKBONES, discover
from froq_lightning.terminal import text_table


def run_list() -> None:
    """Tell which backbones and aligners are installed, and which of them cannot work."""
    sources = Sources()
    for title, group in (("backbone", BACKBONES), ("aligner", ALIGNERS)):
        print("\n".join(_listing(title, group, sources)))


def _listing(title: str, group: str, sources: Sources) -> Iterator[str]:
    found = discover(group)
    defects = {
        name: defect(plugin.target, of_backbones=group == BACKBONES, sources=sources)
        for name, plugin in found.plugins.items()
    }
    usable = [plugin for name, plugin in found.plugins.items() if not defects[name]]
    rows = [[plugin.name, plugin.distribution, plugin.version, plugin.licence] for plugin in usable]
    yield text_table([title, "distribution", "version", "licence of the code"], rows or [["none", "", "", ""]])
    yield from (f"  unusable: {problem.where} {problem.reason}" for problem in found.problems)
    for name, reason in defects.items():
        if reason:
            yield f"  unusable: {name} of {found.plugins[name].distribution}: {reason}"
