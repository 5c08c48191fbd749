"""The words that the sandbox can draw, in English, Thai and Chinese. Words are separated by commas."""

from __future__ import annotations

import textwrap

from rivya_nb.sandbox.colour import Colour

SUBJECTS: dict[str, str] = {
    "bottle": "bottle, glass, perfume, flask, jar, product, ขวด, ผลิตภัณฑ์, 瓶, 瓶子, 玻璃瓶",
    "vase": "vase, plant, แจกัน, 花瓶",
    "flowers": "flower, tulip, rose, bouquet, daisy, ดอกไม้, 花, 花朵, 玫瑰",
    "cup": "cup, mug, coffee, tea, espresso, แก้วกาแฟ, กาแฟ, ถ้วย, 杯, 杯子, 茶, 咖啡",
    "fruit": "fruit, apple, pear, orange, lemon, peach, plum, cherry, ผลไม้, แอปเปิ้ล, 水果, 苹果, 蘋果, 梨",
    "candle": "candle, เทียน, 蜡烛, 蠟燭",
    "sphere": "ball, sphere, marble, planet, orb, moon, bubble, ลูกบอล, 球, 月亮",
    "cat": "cat, kitten, แมว, 猫, 貓",
    "fox": "fox, vixen, จิ้งจอก, 狐狸",
    "tree": "tree, oak, pine, birch, ต้นไม้, 树, 樹",
    "house": "house, cottage, hut, cabin, บ้าน, 房子, 小屋",
    "lighthouse": "lighthouse, tower, ประภาคาร, 灯塔, 燈塔",
    "landscape": (
        "landscape, mountain, hill, valley, forest, wood, sea, ocean, lake, desert, beach, meadow, "
        "ภูเขา, ทะเล, ป่า, 风景, 風景, 山, 海, 大海, 森林, 沙漠"
    ),
}
"""Things. A prompt's first one is drawn; where it has none, stones are."""

COLOURS: dict[str, tuple[Colour, str]] = {
    "red": ((0.58, 0.21, 27), "red, crimson, scarlet, ruby, แดง, 红, 紅, 红色"),
    "orange": ((0.74, 0.16, 62), "orange, tangerine, amber, copper, ส้ม, 橙色, 橘色"),
    "yellow": ((0.87, 0.16, 98), "yellow, gold, golden, lemon, honey, เหลือง, ทอง, 黄, 黃, 金色"),
    "green": ((0.66, 0.16, 145), "green, emerald, jade, mint, moss, เขียว, 绿, 綠, 绿色"),
    "teal": ((0.74, 0.11, 195), "teal, turquoise, cyan, aqua, 青色"),
    "blue": ((0.58, 0.16, 255), "blue, azure, navy, cobalt, sapphire, indigo, ฟ้า, น้ำเงิน, 蓝, 藍, 蓝色"),
    "purple": ((0.56, 0.18, 300), "purple, violet, lavender, lilac, plum, ม่วง, 紫, 紫色"),
    "pink": ((0.76, 0.15, 355), "pink, rose, magenta, peach, coral, ชมพู, 粉色, 粉红"),
    "brown": ((0.48, 0.08, 55), "brown, wooden, chocolate, น้ำตาล, 棕色, 褐色"),
    "white": ((0.95, 0.01, 90), "white, ivory, ขาว, 白, 白色"),
    "black": ((0.30, 0.02, 270), "black, ebony, charcoal, ดำ, 黑, 黑色"),
    "grey": ((0.68, 0.01, 250), "grey, gray, silver, steel, เทา, เงิน, 灰, 灰色, 银色"),
}

LIGHTS: dict[str, str] = {
    "dawn": "dawn, morning, sunrise, daybreak, เช้า, รุ่งอรุณ, 早晨, 清晨, 早上, 朝, 日出",
    "day": "noon, midday, daylight, daytime, day, sunlight, sunny, bright, กลางวัน, เที่ยง, 白天, 中午, 正午, 阳光",
    "dusk": "dusk, sunset, evening, twilight, golden hour, เย็น, พลบค่ำ, 黄昏, 傍晚, 日落, 夕阳",
    "night": "night, midnight, moonlight, moonlit, dark, blue hour, กลางคืน, 夜, 夜晚, 晚上, 月光",
    "candle light": "candle light, candlelight, candlelit, firelight, lamplight, แสงเทียน, 烛光, 燭光",
}

SETTINGS: dict[str, str] = {
    "snow": "snow, snowy, ice, icy, winter, หิมะ, 雪, 雪地, 冬天",
    "sand": "sand, beach, desert, dune, ทราย, ทะเลทราย, 沙滩, 沙漠",
    "forest": "forest, wood, jungle, ป่า, 森林",
    "meadow": "meadow, grass, lawn, garden, field, ทุ่งหญ้า, สวน, 草地, 花园",
    "water": "sea, ocean, lake, water, river, pond, ทะเล, 海, 大海, 湖, 水面",
}
"""What the thing stands in."""

WEATHERS: dict[str, str] = {
    "rain": "rain, rainy, drizzle, ฝน, 雨",
    "fog": "fog, foggy, mist, misty, haze, หมอก, 雾, 霧",
}

MOODS: dict[str, str] = {
    "soft": "soft, pastel, minimal, studio, clean, gentle, นุ่ม, 柔和",
    "vivid": "vivid, neon, vibrant, saturated, bold, colorful, colourful, สดใส, 鲜艳",
    "monochrome": "monochrome, black and white, noir, greyscale, grayscale, ขาวดำ, 黑白",
}

COUNTS: dict[str, str] = {
    "1": "one, single, หนึ่ง, 一",
    "2": "two, pair, couple, both, สอง, 两, 兩, 二",
    "3": "three, trio, few, สาม, 三",
    "4": "four, สี่, 四",
    "5": "five, several, many, some, ห้า, 五",
    "6": "six, หก, 六",
    "7": "seven, เจ็ด, 七",
    "8": "eight, แปด, 八",
    "9": "nine, เก้า, 九",
}

SHADES: dict[str, str] = {"lighter": "light, pale, bright", "darker": "dark, deep"}
"""Words that change the colour behind them, and mean it."""

OTHER_WORDS = (
    "熊猫, 熊貓, 猫头鹰, 貓頭鷹, 海报, 海報, 山羊, 花生, 花火, 烟花, 红酒, 海鲜, 皮球, 气球, 黑客, "
    "แมวน้ำ, น้ำตก, บ้านเมือง"
)
"""Words in which one of the words above is written and not meant, where words are not separated."""


def listed(text: str) -> list[str]:
    """The words of an entry."""
    return text.split(", ")


def vocabulary() -> dict[str, list[str]]:
    """What the groups of words decide, and the words in them: in one entry those that mean the same."""
    return {
        "thing": list(SUBJECTS.values()),
        "count": list(COUNTS.values()),
        "colour": [words for _, words in COLOURS.values()],
        "light": list(LIGHTS.values()),
        "setting": list(SETTINGS.values()),
        "weather": list(WEATHERS.values()),
        "mood": list(MOODS.values()),
    }


def drawable_words() -> str:
    """All that can be drawn, as text for the user."""
    lines = [
        "The sandbox draws the first thing that the prompt names, in its count, colour, light and setting.",
        "Where it knows none, it draws three stones; words that it does not know change nothing.",
    ]
    for group, entries in vocabulary().items():
        for place, words in enumerate(entries):
            lines += textwrap.wrap(
                words, 110, initial_indent=f"{group if place == 0 else '':<9}", subsequent_indent=" " * 11
            )
    return "\n".join(lines)
