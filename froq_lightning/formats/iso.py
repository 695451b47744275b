"""Quality records in XML, with the quality blocks of ISO/IEC 39794-1, which ISO/IEC 39794-5 uses for faces.

A quality block says which algorithm (the registered numbers of an organisation and of its algorithm, 16 bits each)
gave which score in 0..100, or that it failed. Its parts are, in the words of the standard's ASN.1:

    QualityBlock ::= SEQUENCE { algorithmIdBlock RegistryIdBlock, scoreOrError ScoreOrError, ... }
    RegistryIdBlock ::= SEQUENCE { organization RegistryId, id RegistryId }, RegistryId ::= INTEGER (1..65535)
    ScoreOrError ::= CHOICE { score Score, error ScoringError }, with the code failureToAssess

ISO/IEC 29794-1 has the same score, and 255 in binary records for what is an error here.

These names are those in JMRTD (org.jmrtd.lds.iso39794, "based on ISO-IEC-39794-1-ed-1-v1"), and the namespaces those in
files of NIST's BRIAR programme; the schemas themselves were not at hand. Certain are the order and the meaning of the
parts. Not certain are in which of the two namespaces the schema has `qualityBlocks`, and how it spells the code of an
error. A face record of the standard holds the image itself; therefore `qualityRecords`, `qualityRecord`, `image`,
`reason` and `component` around the blocks are names of ours, in a namespace of ours, and a reader takes the blocks out.
A component of ISO/IEC 29794-5 that `--reasons` measured goes by its name, since its algorithm has no number.

Numbers of organisations are given by the registration authority (IBIA), those of algorithms by the organisation; we
have none. Without options both are 0, which the standard does not allow for, so that they cannot be taken for
somebody's: `froq predict --format '{name: iso, organization: 257, algorithm: 1}'` gives yours.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

from froq_lightning.atomic_write import signature
from froq_lightning.errors import ConfigurationError, DataError
from froq_lightning.formats.format import Format, Results
from froq_lightning.runs.quality_batch import FAILED, OK, ScoredRow

OURS = "urn:froq-lightning:quality-records"
COMMON, FACE = "http://standards.iso.org/iso-iec/39794/-1", "http://standards.iso.org/iso-iec/39794/-5"
START = f"""<?xml version="1.0" encoding="utf-8"?>
<qualityRecords xmlns="{OURS}" xmlns:cmn="{COMMON}" xmlns:fac="{FACE}">
"""
END = "</qualityRecords>\n"
UNREGISTERED = 0
FAILURE = "failureToAssess"
# The two characters that XML cannot hold and a name can, in the form that leads back to them.
NO_XML = str.maketrans({"\ufffe": r"\ufffe", "\uffff": r"\uffff"})


def iso(organization: int = UNREGISTERED, algorithm: int = UNREGISTERED) -> Format:
    """Return the format with the numbers that stand in every quality block.

    Args:
        organization: registered number of an organisation, 0..65535.
        algorithm: number that this organisation gives the algorithm, network and Observer, 0..65535.

    Raises:
        ConfigurationError: if one has not 16 bits.
    """
    for name, number in (("organization", organization), ("algorithm", algorithm)):
        if type(number) is not int or not 0 <= number < 2**16:
            raise ConfigurationError(
                f"Expected {name} of the format iso to be a number in 0..65535, but got {number!r}"
            )
    return Format(
        suffixes=(".xml",),
        holds="scores",
        is_own=signature(re.escape(START.encode())),
        write=partial(_write, organization=organization, algorithm=algorithm),
        read=_read,
        configure=iso,
    )


def _write(path: Path, results: Results, organization: int, algorithm: int) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(START)
        names = results.components()
        for row in results.rows():
            record = ET.Element("qualityRecord")
            ET.SubElement(record, "image").text = row.image.translate(NO_XML)
            if row.reason:
                ET.SubElement(record, "reason").text = row.reason.translate(NO_XML)
            blocks = ET.SubElement(record, "fac:qualityBlocks")
            _add_block(blocks, organization, algorithm, row.quality)
            for name in names:
                _add_score(ET.SubElement(record, "component", name=name), row.components[name])
            file.write(ET.tostring(record, encoding="unicode") + "\n")
        file.write(END)


def _add_block(blocks: ET.Element, organization: int, algorithm: int, quality: int) -> None:
    """Add a quality block."""
    block = ET.SubElement(blocks, "cmn:qualityBlock")
    identifier = ET.SubElement(block, "cmn:algorithmIdBlock")
    ET.SubElement(identifier, "cmn:organization").text = str(organization)
    ET.SubElement(identifier, "cmn:id").text = str(algorithm)
    _add_score(block, quality)


def _add_score(element: ET.Element, quality: int) -> None:
    """Add a score; one below 0 is a failure."""
    score = ET.SubElement(element, "cmn:scoreOrError")
    if quality < 0:
        ET.SubElement(ET.SubElement(score, "cmn:error"), "cmn:code").text = FAILURE
    else:
        ET.SubElement(score, "cmn:score").text = str(quality)


def _read(path: Path) -> Iterator[ScoredRow]:
    """Read the records again; the first block of each is that of the quality."""
    index = 0
    try:
        events = ET.iterparse(path, events=("start", "end"))  # noqa: S314 - a file of the user's own
        _, root = next(events)
        for event, element in events:
            if event == "end" and element.tag == f"{{{OURS}}}qualityRecord":
                yield _row(index, element)
                index += 1
                root.clear()  # so that memory does not grow with the records
    except (ET.ParseError, ValueError) as error:
        raise DataError(f"{path.name} holds no quality records that `froq predict` wrote: {error}") from error


def _row(index: int, record: ET.Element) -> ScoredRow:
    name, reason = record.findtext(f"{{{OURS}}}image"), record.findtext(f"{{{OURS}}}reason", "")
    if name is None:
        raise ValueError(f"record {index + 1} names no image")
    score = record.findtext(f"{{{FACE}}}qualityBlocks//{{{COMMON}}}score")
    if score is None:
        return ScoredRow(index, name, None, -1, FAILED, reason)
    return ScoredRow(index, name, float(score), int(score), OK, reason)


ISO = iso()
