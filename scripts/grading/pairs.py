# SPDX-License-Identifier: Apache-2.0
"""Pairs (prediction, gold) from the answers of math_train.jsonl: as they are, rewritten so that they mean the same,
and perturbed so that they do not (mostly: nobody has checked, that is what graders are for). Seeded."""
import json
import random
import re
from fractions import Fraction


def golds(path):
    with open(path, encoding="utf-8") as rows:
        return [json.loads(row)["answer"].replace("\n", " ").strip() for row in rows]


# ---- the same, written otherwise; None: does not apply ----

def other_fraction_command(a, rng):
    return a.replace("\\frac", rng.choice(["\\dfrac", "\\tfrac"])) if "\\frac" in a else None


def plain_fraction(a, rng):
    b = re.sub(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}", r"\1/\2", a)
    return b if b != a and re.fullmatch(r"-?\d+/\d+", b) else None


def reduced_wrong_way(a, rng):
    """3/4 as 6/8"""
    m = re.fullmatch(r"(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}", a)
    k = rng.randint(2, 9)
    return "%s\\frac{%d}{%d}" % (m[1], int(m[2]) * k, int(m[3]) * k) if m else None


def decimal(a, rng):
    m = re.fullmatch(r"(-?)\\[dt]?frac\{(\d+)\}\{(\d+)\}", a)
    if not m:
        return None
    d = Fraction(int(m[2]), int(m[3])).denominator
    while d % 2 == 0:
        d //= 2
    while d % 5 == 0:
        d //= 5
    return "%s%s" % (m[1], repr(int(m[2]) / int(m[3]))) if d == 1 else None


def as_fraction(a, rng):
    return "\\frac{%d}{%d}" % (int(a) * 2, 2) if re.fullmatch(r"\d{1,6}", a) else None


def point_zero(a, rng):
    return a + ".0" if re.fullmatch(r"-?\d+", a) else None


def named(a, rng):
    return "x = " + a if "=" not in a and "\\text" not in a and "," not in a else None


def thousands(a, rng):
    return "{:,}".format(int(a)) if re.fullmatch(r"\d{4,9}", a) else None


def spaced(a, rng):
    if "\\text" in a or re.search(r"[a-zA-Z]{4}", re.sub(r"\\[a-zA-Z]+", "", a)):
        return None
    b = re.sub(r"([-+=,])", r" \1 ", a.replace(",\\!", "").replace("{,}", ""))
    return b if b != a else None


def sized_brackets(a, rng):
    b = a.replace("\\left", "").replace("\\right", "")
    if b != a:
        return b
    return "\\left" + a[:-1] + "\\right" + a[-1] if re.fullmatch(r"\([^()]*\)", a) else None


def without_unit(a, rng):
    b = re.sub(r"\s*\\(text|mbox)\s*\{[^{}]*\}(\^\d)?$", "", a)
    return b if b != a and b.strip() else None


def with_degrees(a, rng):
    return a + "^\\circ" if re.fullmatch(r"\d{1,3}", a) else None


def without_degrees(a, rng):
    return re.sub(r"\^\{?\\circ\}?", "", a) if "circ" in a else None


def without_dollar(a, rng):
    return a.replace("\\$", "") if "\\$" in a else None


def without_percent(a, rng):
    return a.replace("\\%", "") if "\\%" in a else None


def root_braces(a, rng):
    b = re.sub(r"\\sqrt\{(\d)\}", r"\\sqrt\1", a)
    return b if b != a else None


def root_inside(a, rng):
    m = re.fullmatch(r"(\d+) ?\\sqrt\{(\d+)\}", a)
    return "\\sqrt{%d}" % (int(m[1]) ** 2 * int(m[2])) if m else None


def times_sign(a, rng):
    b = re.sub(r"^(\d+) ?(\\pi|\\sqrt)", r"\1 \\cdot \2", a)
    return b if b != a else None


def summands_swapped(a, rng):
    m = re.fullmatch(r"([0-9a-z\\^{} ]+)\+([0-9a-z\\^{} ]+)", a)
    return "%s + %s" % (m[2].strip(), m[1].strip()) if m and "text" not in a else None


def list_reversed(a, rng):
    if re.search(r"[()\[\]{}!]|text", a) or "," not in a or re.fullmatch(r"\d{1,3}(,\d{3})+", a):
        return None
    return ", ".join(reversed([x.strip() for x in a.split(",")]))


def other_matrix(a, rng):
    return a.replace("pmatrix", "bmatrix") if "pmatrix" in a else None


def words(a, rng):
    m = re.fullmatch(r"\\text\{([A-Za-z ]+)\}", a)
    return m[1] if m else None


def pi_in_fraction(a, rng):
    m = re.fullmatch(r"\\frac\{(\d*)\\pi\}\{(\d+)\}", a)
    return "\\frac{%s}{%s}\\pi" % (m[1] or "1", m[2]) if m else None


def equation_turned(a, rng):
    sides = a.split("=")
    return "%s = %s" % (sides[1].strip(), sides[0].strip()) if len(sides) == 2 and len(sides[0]) > 3 else None


# ---- something else ----

def digit_changed(a, rng):
    places = [m.start() for m in re.finditer(r"\d", a)]
    if not places:
        return None
    i = rng.choice(places)
    return a[:i] + str((int(a[i]) + rng.randint(1, 9)) % 10) + a[i + 1:]


def digit_added(a, rng):
    m = re.search(r"\d+", a)
    return a[:m.end()] + str(rng.randint(0, 9)) + a[m.end():] if m else None


def sign_changed(a, rng):
    if a.startswith("-"):
        return a[1:]
    return "-" + a if re.match(r"[\d\\]", a) and "\\text" not in a and "\\begin" not in a else None


def plus_for_minus(a, rng):
    places = [m.start() for m in re.finditer(r"(?<=[\w} ])[-+](?=[ \w\\])", a)]
    if not places:
        return None
    i = rng.choice(places)
    return a[:i] + ("+" if a[i] == "-" else "-") + a[i + 1:]


def off_by_one(a, rng):
    return str(int(a) + rng.choice([-1, 1, 10])) if re.fullmatch(r"-?\d+", a) else None


def fraction_turned(a, rng):
    b = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"\\frac{\2}{\1}", a)
    return b if b != a else None


def rounded(a, rng):
    m = re.fullmatch(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}", a)
    return "%.2f" % (int(m[1]) / int(m[2])) if m and Fraction(int(m[1]), int(m[2])).denominator % 3 == 0 else None


def bracket_changed(a, rng):
    if not re.match(r"[(\[]", a) or "," not in a:
        return None
    return {"(": "[", "[": "("}[a[0]] + a[1:]


def tuple_reversed(a, rng):
    m = re.fullmatch(r"\(([^(),]+),([^(),]+)\)", a)
    return "(%s,%s)" % (m[2], m[1]) if m else None


def without_root(a, rng):
    return re.sub(r"\\sqrt\{?(\d+)\}?", r"\1", a) if re.search(r"\\sqrt\{?\d", a) else None


def without_pi(a, rng):
    b = a.replace("\\pi", "").strip()
    return b if "\\pi" in a and re.fullmatch(r"\d+", b) else None


def other_letter(a, rng):
    m = re.fullmatch(r"\\text\{\(?([A-E])\)?\}", a)
    return "\\text{(%s)}" % rng.choice([c for c in "ABCDE" if c != m[1]]) if m else None


def part_missing(a, rng):
    if re.search(r"[()\[\]{}!]|text", a) or "," not in a or re.fullmatch(r"\d{1,3}(,\d{3})+", a):
        return None
    return ",".join(a.split(",")[:-1])


SAME = [other_fraction_command, plain_fraction, reduced_wrong_way, decimal, as_fraction, point_zero, named, thousands,
        spaced, sized_brackets, without_unit, with_degrees, without_degrees, without_dollar, without_percent,
        root_braces, root_inside, times_sign, summands_swapped, list_reversed, other_matrix, words, pi_in_fraction,
        equation_turned]
OTHER = [digit_changed, digit_added, sign_changed, plus_for_minus, off_by_one, fraction_turned, rounded,
         bracket_changed, tuple_reversed, without_root, without_pi, other_letter, part_missing]


def some_other(a, all_golds, rng):
    return rng.choice(all_golds)


def pairs(path, n, seed=1):
    """(kind, prediction, gold), n of them, answers that are no plain whole number three times as often."""
    rng = random.Random(seed)
    all_golds = golds(path)
    pool = [a for a in all_golds for _ in range(1 if re.fullmatch(r"-?\d+", a) else 3)]
    result = []
    seen = set()
    while len(result) < n:
        gold = rng.choice(pool)
        kind = rng.choice(["gold", "same", "same", "same", "other", "other", "any"])
        if kind == "gold":
            made = [("gold", gold)]
        elif kind == "any":
            made = [("any", some_other(gold, all_golds, rng))]
        else:
            ways = SAME if kind == "same" else OTHER
            made = [(way.__name__, way(gold, rng)) for way in ways]
            made = [m for m in made if m[1]]
        if not made:
            continue
        name, prediction = rng.choice(made)
        if (prediction, gold) not in seen:
            seen.add((prediction, gold))
            result.append((name, prediction, gold))
    return result
