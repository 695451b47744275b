"""What SwinFace tells of a face beside whose it is: 42 attributes in 11 groups."""

RECOGNITION = "Recognition"
# Each group shares its features. The order is that of the published subnets and linear layers.
GROUPS = (
    ("Gender",),
    ("Age", "Young"),
    ("Expression", "Smiling"),
    ("Attractive", "Blurry", "Chubby", "Heavy Makeup", "Oval Face", "Pale Skin"),
    (
        *("Bald", "Bangs", "Black Hair", "Blond Hair", "Brown Hair", "Gray Hair"),
        *("Receding Hairline", "Straight Hair", "Wavy Hair", "Wearing Hat"),
    ),
    ("Arched Eyebrows", "Bags Under Eyes", "Bushy Eyebrows", "Eyeglasses", "Narrow Eyes"),
    ("Big Nose", "Pointy Nose"),
    ("High Cheekbones", "Rosy Cheeks", "Wearing Earrings", "Sideburns"),
    ("Five O'Clock Shadow", "Big Lips", "Mouth Slightly Open", "Mustache", "Wearing Lipstick", "No Beard"),
    ("Double Chin", "Goatee"),
    ("Wearing Necklace", "Wearing Necktie"),
)
ATTRIBUTES = tuple(attribute for group in GROUPS for attribute in group)


def values(attribute: str) -> int:
    """Number of values that tell an attribute: the age itself, else a logit for each of 7 expressions or 2 classes."""
    return {"Age": 1, "Expression": 7}.get(attribute, 2)
