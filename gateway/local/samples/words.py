"""What the sample painters can draw, and the plain words for it; file names and training captions are made from these."""

from typing import Final

Colour = tuple[int, int, int]

COLOURS: Final[dict[str, Colour]] = {
    "red": (214, 48, 49),
    "orange": (238, 130, 38),
    "yellow": (246, 205, 60),
    "green": (62, 160, 85),
    "teal": (32, 158, 160),
    "blue": (45, 110, 210),
    "purple": (126, 74, 178),
    "pink": (240, 128, 170),
    "brown": (134, 88, 54),
    "black": (38, 38, 44),
    "white": (246, 246, 242),
    "grey": (142, 148, 156),
}

OBJECTS: Final = (
    "house", "tree", "boat", "car", "balloon", "fish", "flower", "moon", "star", "heart", "cactus", "umbrella",
    "mushroom", "apple", "sun", "cat", "bird", "butterfly", "rocket", "cup", "tent", "lighthouse", "hat", "ball",
    "kite", "crown", "snowman", "train",
)  # fmt: skip

# The colour in which a person expects each thing, where a picture does not say another.
USUAL_COLOURS: Final = {
    "house": "red", "tree": "green", "boat": "red", "car": "blue", "balloon": "red", "fish": "orange",
    "flower": "pink", "moon": "yellow", "star": "yellow", "heart": "red", "cactus": "green", "umbrella": "purple",
    "mushroom": "red", "apple": "red", "sun": "yellow", "cat": "orange", "bird": "blue", "butterfly": "orange",
    "rocket": "white", "cup": "white", "tent": "orange", "lighthouse": "red", "hat": "black", "ball": "blue",
    "kite": "teal", "crown": "yellow", "snowman": "white", "train": "green",
}  # fmt: skip

# A place: how it is called alone, and how something in it is described.
PLACES: Final = {
    "beach": ("a beach", "on a beach"),
    "mountains": ("mountains", "in the mountains"),
    "city": ("a city", "in a city"),
    "forest": ("a forest", "in a forest"),
    "desert": ("a desert", "in a desert"),
    "snow": ("a snowy landscape", "in the snow"),
    "field": ("a green field", "in a field"),
    "sea": ("the sea", "at sea"),
    "space": ("outer space", "in space"),
    "lake": ("a lake", "by a lake"),
    "hills": ("rolling hills", "in the hills"),
    "island": ("a tropical island", "on an island"),
    "volcano": ("a volcano", "near a volcano"),
    "underwater": ("an underwater scene", "under water"),
    "sky": ("the sky", "in the sky"),
    "road": ("a road", "on a road"),
    "garden": ("a garden", "in a garden"),
}

TIMES: Final = {"day": "by day", "night": "at night", "sunset": "at sunset"}
WEATHERS: Final = {
    "clear": "in clear weather",
    "rain": "in the rain",
    "snowfall": "in falling snow",
    "fog": "in fog",
    "clouds": "under clouds",
}
TIMELESS: Final = frozenset({"space", "underwater"})

TEXTURES: Final = (
    "stripes", "dots", "checks", "zigzag", "waves", "grid", "rings", "triangles", "bricks", "diamonds", "confetti",
    "plaid", "speckles", "hexagons", "rays",
)  # fmt: skip

SHAPES: Final = ("circle", "square", "triangle", "hexagon", "ring", "cross", "diamond", "rectangle", "oval")
DOCUMENTS: Final = (
    "bar chart",
    "line chart",
    "pie chart",
    "page of text",
    "table",
    "calendar",
    "letter",
    "scatter plot",
)
