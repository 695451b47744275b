from froq_lightning.terminal import text_table


def test_columns_are_as_wide_as_their_longest_cell_and_numbers_stand_right() -> None:
    table = text_table(["layer", "utility"], [["stem", "0.25"], ["blocks.0.act", "-0.125"]])
    assert table == "\n".join(
        [
            "  layer         utility",
            "  stem             0.25",
            "  blocks.0.act   -0.125",
        ]
    )


def test_no_cell_of_a_table_speaks_to_the_terminal() -> None:
    assert text_table(["a\x1b[31m"], [["two\nlines"], ["turned\u202e"]]) == "\n".join(
        [r"  a\x1b[31m", r"  two\nlines", r"  turned\u202e"]
    )
