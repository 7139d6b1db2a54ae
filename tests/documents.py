"""The README and the pages of the guide, and the lines of code that they quote."""

import re
from pathlib import Path

from tests.guide_reference import GUIDE, README

PAGES = sorted(GUIDE.glob("*.md"))
DOCUMENTS = [README, *PAGES]


def section(text: str, title: str) -> str:
    """Return what stands below a heading of level two."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def code_lines(text: str, *languages: str) -> list[str]:
    """Return the lines of the code blocks in some languages, continued lines joined."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    code = "".join(block for language, block in blocks if language in languages)
    return re.sub(r" \\\n\s*", " ", code).splitlines()


def sbr_commands(path: Path) -> list[str]:
    """Return each command of sbr that a document quotes, in blocks and in sentences."""
    text = path.read_text(encoding="utf-8")
    lines = [line.strip() for line in code_lines(text, "sh")]
    lines += [line.removeprefix("$ ") for line in code_lines(text, "console") if line[:2] == "$ "]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    pieces = [piece for line in lines for piece in re.split(r" (?:\||&&|>) ?", f"{line} ")]
    return [piece.strip() for piece in pieces if piece.strip().startswith("sbr ")]
