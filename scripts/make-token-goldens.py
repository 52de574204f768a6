#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make-token-goldens.py - writes tests/golden/: a set of texts, and what llama.cpp and Python's
regex make of them. The tests compare the tokenizers with these files.

    pip install llama-cpp-python==0.3.36 regex gguf
    models/fetch.sh smollm2-135m && models/fetch.sh gemma3-270m
    scripts/make-token-goldens.py [FOLDER WITH THE MODELS]

    texts.jsonl         {"what", "hex"}: one text a line, any bytes
    tokens-MODEL.jsonl  {"plain", "special"}: its tokens with beginning of text, without and with
                        special tokens parsed; "special" is left out where it is the same
    pieces-MODEL.json   the tokens that end a text, and FNV-1a of all tokens' texts, each with its
                        length
    splits.jsonl        {PRE-TOKENIZER}: bytes of each word by the regular expression; {} for
                        invalid UTF-8
    tiny-merges.txt     merges of a little BPE vocabulary: 256 bytes, then these
    tokens-tiny.jsonl   {PRE-TOKENIZER}: FNV-1a of its tokens in that vocabulary
"""

import collections
import ctypes
import json
import os
import random
import sys
import tempfile
import unicodedata

import gguf
import llama_cpp
import regex

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
MODELS = ["smollm2-135m", "gemma3-270m"]
PRE = ["gpt-2", "smollm", "llama-bpe", "qwen2", "default"]

# ---- texts ----

SENTENCES = """
Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.
Weng earns $12 an hour for babysitting. Yesterday, she just did 50 minutes of babysitting.
What is 3/4 of 1,000,000? A) 750,000 B) 75% of it (C) neither...
The quick brown fox jumps over the lazy dog; THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG!
"Quotes", 'single', «guillemets», „low“, “curly” and ‘so on’ — em-dash, en–dash, minus−sign.
Let $f(x) = \\frac{x^2 - 1}{x + 1}$. Find $\\sum_{n=1}^{\\infty} \\frac{1}{n^2}$.
#### 72
Step 1: 48/2 = <<48/2=24>>24 clips in May.
Email me at someone@example.org or see https://example.org/a/b?c=d&e=f#g_h
ALLCAPS lowercase MixedCase camelCase snake_case kebab-case SCREAMING_SNAKE x86_64 i18n
""".strip().split("\n")

SCRIPTS = r"""
latin|Ça va? Où est l’hôtel? Straße, Łódź, Dvořák, naïve façade, ĳ ﬁ ﬂ Ǆ ǆ ﬃ
vietnamese|Tiếng Việt: Xin chào, hôm nay trời đẹp quá!
turkish|İstanbul'da ılık bir gün; ĞÜŞİÖÇ ğüşıöç
greek|Καλημέρα κόσμε, ΤΙ ΚΑΝΕΙΣ; ᾳ ῆ ἀ
cyrillic|Привет, мир! Сколько будет 2+2? Ёлка ѣ Ґ
armenian|Բարեւ աշխարհ։ ԱԲԳ
georgian|გამარჯობა მსოფლიო ᲐᲑᲒ
hebrew|שלום עולם, מה שלומך? בְּרֵאשִׁית
arabic|مرحبا بالعالم ١٢٣٤ كَتَبَ لا ﷺ
persian|سلام دنیا ۱۲۳۴ می‌خواهم
urdu|ہیلو دنیا، کیا حال ہے؟
devanagari|नमस्ते दुनिया १२३ क्षत्रिय ज्ञान
bengali|ওহে বিশ্ব ১২৩ ক্ষ
tamil|வணக்கம் உலகம் ௧௨௩
telugu|హలో ప్రపంచం
kannada|ಹಲೋ ಪ್ರಪಂಚ
malayalam|ഹലോ വേൾഡ്
sinhala|ආයුබෝවන් ලෝකය
thai|สวัสดีชาวโลก ๑๒๓ น้ำ
lao|ສະບາຍດີໂລກ ໑໒໓
khmer|សួស្តីពិភពលោក ១២៣
burmese|မင်္ဂလာပါကမ္ဘာ ၁၂၃
tibetan|བོད་སྐད་ ༡༢༣
ethiopic|ሰላም ልዑል ፩፪፫
cherokee|ᎣᏏᏲ ꭳꮟꮾ
mongolian|ᠮᠣᠩᠭᠣᠯ
chinese|你好，世界！今天天气很好。小明有３个苹果，又买了２５个。
traditional|請問總共多少錢？「壹佰貳拾」元。
japanese|こんにちは世界。カタカナ、ｶﾀｶﾅ、漢字とかな。１２３円
korean|안녕하세요 세계! 사과 3개 더하기 2개는? ㄱㄴㄷ 한글 
gothic|𐌼𐌰𐌲 𐌲𐌻𐌴𐍃
cuneiform|𒀀𒀁𒀂
hieroglyphs|𓀀𓁐𓂀
mathematical|𝐀𝑩𝓒𝔇 𝟘𝟙𝟚 ∀x∈ℝ: x²≥0 ⇒ √x² = |x| ∑∏∫
letterlike|№ ™ ℃ Å K Ω ℵ ⅓ Ⅷ ⅷ ① ⑽ ½ ² ₃
braille|⠓⠑⠇⠇⠕
box|┌─┐│x│└─┘ ▁▂▃▄▅▆▇█
arrows|a→b ⇐ ↔ ⟶ ➜
currency|€1 £2 ¥3 ₹4 ₿5 ¢6 ₩7
private use|\ue000\uf8ff\U000f0000
combining|e\u0301 a\u0308\u0304 n\u0303o Z\u0351\u036b\u0343\u036aa\u0315l\u0489g\u0322o
combining first|\u0301\u0302abc \u0303 \u0304\u0305
zero width|a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg
bidi|\u202ahello\u202c \u202bעברית\u202c \u2066x\u2069
variation|❤\ufe0f ❤\ufe0e ☎\ufe0f #\ufe0f\u20e3 1\ufe0f\u20e3
emoji|😀😃😄 🎉🚀 I ❤ 🐍 and 🦀!
emoji skin|👋🏻👋🏼👋🏽👋🏾👋🏿 ✊🏿
emoji zwj|👨‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 🧑‍🤝‍🧑 ❤️‍🔥
flags|🇩🇪🇫🇷🇯🇵 🇺🇳x🇺 🏴󠁧󠁢󠁥󠁮󠁧󠁿
unassigned|\u0378 \u0530 \U000e0080
noncharacters|\uffff \ufdd0 \U0010ffff
replacement|\ufffd a\ufffd\ufffdb
""".strip().split("\n")

CODE = [
    "def f(x):\n    if x > 0:\n        return x ** 2\n\telse:\n\t\treturn -x\n",
    'int main(void)\n{\n\tprintf("%d\\n", 0xFF & ~1u);\n\treturn 0;\n}\n',
    "for (let i = 0; i < n; ++i) { a[i] ||= b?.c ?? `t${i}`; } // done",
    "SELECT * FROM t WHERE a<>'b''c' AND d>=1.5e-10;",
    '{"key": [1, 2.50, -3e+7, null, true], "s": "\\u00e9\\n"}',
    '<div class="a b"><p>Hi &amp; bye</p><br/></div>',
    '#!/bin/sh\nset -eu; x=$(ls -la | wc -l)\n[ "$x" -gt 3 ] && echo "${x}" >&2\n',
    "\\begin{align*} a &= b \\\\ c &\\neq d \\end{align*}",
    "x = [i**2 for i in range(10) if i%2==0]\nprint(sum(x)/len(x))\n",
    "git commit -m 'fix: a--b' && git push origin HEAD:refs/heads/x_y",
    "C:\\Users\\me\\file.txt /usr/local/lib/libfoo.so.1.2.3 ../../x",
    "std::vector<std::pair<int,int>>&& v{};v->*p<=>q;",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] item\n* **bold** _it_ `code`\n",
    "===\n---\n***\n~~~\n___\n+++\n^^^\n:::\n%%%\n",
]

SPECIALS = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<repo_name>", "<reponame>", "<file_sep>",
    "<gh_stars>", "<jupyter_code>", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<s>", "</s>",
    "<start_of_turn>", "<end_of_turn>", "<unused0>", "<unused10>", "<unused99>", "[multimodal]",
    "<table>", "</h1>", "<start_of_image>", "<0x0A>", "<0x41>", "<|eot_id|>", "[INST]", "▁▁",
    "▁▁▁",
]


def texts():
    """(what, bytes) in a fixed order."""
    rnd = random.Random(20408)
    for kind, lines in ("sentence", SENTENCES), ("code", CODE):
        for line in lines:
            yield kind, line.encode()
    for line in SCRIPTS:
        what, text = line.split("|", 1)
        yield what, unescape(text).encode()

    yield "empty", b""
    for c in range(0x21):
        yield f"control {c:02x}", b"a" + bytes([c]) + b"b"
    yield "delete", b"a\x7fb\x80"
    yield "only nul", b"\0"
    yield "nuls", b"\0\0a\0 \0"

    for n in 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 64, 65, 100:
        yield f"{n} spaces", b" " * n
        yield f"{n} spaces within", b"a" + b" " * n + b"b"
    for n in 1, 2, 3, 10, 31, 32, 40:
        yield f"{n} newlines", b"\n" * n
        yield f"{n} newlines within", b"x\n" + b"\n" * n + b"y"
        yield f"{n} tabs", b"\t" * n + b"z"
    for space in (
        "\r", "\r\n", "\x0b", "\x0c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u2029",
        "\u202f", "\u205f", "\u3000", "\u200b",
    ):
        yield f"space {ord(space[0]):x}", f"a{space}b {space} c{space}{space}d {space}".encode()
    for text in (
        " a", "a ", " a ", "  a", "a  ", "\n a", " \na", "a \n b", "a\n\n  b", " \n \n ", "\t \t",
        "\n \n\na", "a \r\n b\r\r\nc", " .", ". ", " ..", ".  .", "\n.", ".\n", ".\n\n", ". \n",
        "!\r\n\r\nx", " \n.", "( )", " (a )", "  (a", "   \n\n   x", " 1", "  1", "\n1", "1 ",
        "1\n",
    ):
        yield "spaces", text.encode()

    for n in range(1, 14):
        yield f"{n} digits", b"1234567890123"[:n]
    for text in (
        "1,234,567.89", "3.14159", "1e10", "-5", "+5", "5%", "$5", "1/2", "12:30:45", "2024-01-31",
        "a1b22c333d4444", "1 22 333 4444 55555", "0x1F", "1st 2nd 3rd", "²³¹", "１２３４",
        "1２3４5", "٠١٢٣a", "Ⅷ12", "½1", "x=1,y=22;z=333", "1.", ".1", "1..2",
        "1'000'000", "007", "  42  ", "4'3s", "9's",
    ):
        yield "digits", text.encode()

    for apostrophe in "'", "’", "ʼ", "`", "''":
        for ending in "s", "t", "re", "ve", "m", "ll", "d":
            yield "contraction", (
                f"it{apostrophe}{ending} IT{apostrophe}{ending.upper()} "
                f"{apostrophe}{ending}x {apostrophe}{ending.title()}"
            ).encode()
    for text in (
        "'", "''", "'s", "'S", "'ſ", "don't've", "'l", "'ll", "'lL", "'r", "'re", "'rE", "'v e",
        "x'", "' s", "'\ns", "'1", "1's", "!'s", "'s's's", "'sa", "'Sa", "'tis 'twas", "o'clock",
        "rock'n'roll", "'ré", "'ſs", "'d1", "y'all'd've",
    ):
        yield "contraction", text.encode()

    invalid = [
        "80", "bf", "c0", "c1", "f5", "f8", "fc", "fe", "ff", "c3", "c328", "e2", "e282", "e28228",
        "e22828", "f0", "f09f", "f09f98", "f09f9828", "f0288080", "c080", "c0af", "e08080",
        "e080af", "f0808080", "eda080", "edbfbf", "eda0bdedb880", "808182", "ffff", "c3c3a9",
        "e2e282ac", "f0f09f9880", "fefefffe", "efbfbe", "f48fbfbf", "c2", "c220", "e2962081",
        "f02081", "f8888080", "fc8480808080",
    ]
    for code in invalid:
        yield "invalid", bytes.fromhex(code)
        yield "invalid within", b"ab " + bytes.fromhex(code) + b" cd\n"
    yield "invalid run", b"\xff" * 20
    yield "latin-1", "caf\xe9 na\xefve".encode("latin-1")
    yield "utf-16", "hi there".encode("utf-16")
    for i in range(12):
        yield "random bytes", bytes(rnd.randrange(256) for _ in range(12)).replace(
            b"\xf4", b"\xf0"
        ).replace(b"\xf5", b"\xf8").replace(b"\xf6", b"\xf8").replace(b"\xf7", b"\xf8")

    for text in SPECIALS:
        yield "special", f"{text}".encode()
        yield "special within", f"a {text} b{text}{text}\nc".encode()
    for text in (
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
        "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n", "<|im_end", "|im_end|>",
        "<<|im_end|>>", "<|im_<|im_end|>end|>", "<unused1", "<unused1>0>", "\n\n<eos>\n\n\n",
        "< eos >", "<EOS>", "<bos><bos>", " <eos>", "<eos> ", "▁<eos>▁", "a▁b", "<h1>x</h1>",
        "<\n\n\n>", "\t\t<table>\n\t<tr>", "<0x41><0xFF>", "&lt;eos&gt;",
    ):
        yield "special", text.encode()

    # Unicode 3.2: the same in every version of Python.
    letters = [
        c
        for c in range(0x80, 0x30000)
        if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs", "Co")
    ]
    words = " ".join(SENTENCES).split() + [
        "don't", "it's", "\n", "\n\n", "  ", "12", "345", "6789", "é", "你好", "😀",
    ]
    for i in range(24):
        yield "random words", "".join(
            rnd.choice(words) + rnd.choice(["", " "]) for _ in range(8)
        ).encode()
    for i in range(16):
        yield "random letters", "".join(chr(rnd.choice(letters)) for _ in range(8)).encode()
    for i in range(8):
        yield "random ascii", bytes(rnd.randrange(32, 127) for _ in range(24))

    yield "repeated letter", b"a" * 300
    yield "repeated pair", b"ab" * 150
    yield "repeated mark", b"=" * 200
    yield "repeated word", b"the " * 60
    yield "one word", b"antidisestablishmentarianism" * 6
    yield "repeated character", "語".encode() * 80
    yield "long", (" ".join(SENTENCES) * 2).encode()


def unescape(text):
    return regex.sub(
        r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})", lambda m: chr(int(m[1] or m[2], 16)), text
    )


# ---- llama.cpp ----


class Tokenizer:
    def __init__(self, path):
        params = llama_cpp.llama_model_default_params()
        params.vocab_only = True
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), params)
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.n = llama_cpp.llama_vocab_n_tokens(self.vocab)

    def tokens(self, text, parse_special):
        room = 3 * len(text) + 8
        buffer = (llama_cpp.llama_token * room)()
        n = llama_cpp.llama_tokenize(self.vocab, text, len(text), buffer, room, True, parse_special)
        assert n >= 0
        return list(buffer[:n])

    def piece(self, token):
        buffer = ctypes.create_string_buffer(1024)
        n = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, 1024, 0, True)
        assert n >= 0
        return buffer.raw[:n]

    def ends(self):
        return [t for t in range(self.n) if llama_cpp.llama_vocab_is_eog(self.vocab, t)]


def fnv1a(data, value=0xCBF29CE484222325):
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def model_goldens(folder, model, all_texts):
    tokenizer = Tokenizer(os.path.join(folder, model + ".gguf"))
    rows = []
    for _, text in all_texts:
        row = {"plain": tokenizer.tokens(text, False)}
        special = tokenizer.tokens(text, True)
        if special != row["plain"]:
            row["special"] = special
        rows.append(row)
    write_lines(f"tokens-{model}.jsonl", rows)
    value = fnv1a(b"")
    for token in range(tokenizer.n):
        piece = tokenizer.piece(token)
        value = fnv1a(bytes([len(piece)]) + piece, value)
    write_lines(f"pieces-{model}.json", [{"ends": tokenizer.ends(), "texts": f"{value:016x}"}])


# ---- regular expressions ----

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PREFIXED = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|"
    r"\p{N}{1,%d}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITS = {
    "gpt-2": [WORDS],
    "smollm": [r"\p{N}", WORDS],
    "llama-bpe": [PREFIXED % 3],
    "qwen2": [PREFIXED % 1],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", WORDS, r"\p{N}+", r"[0-9][0-9][0-9]"],
}


def split(text, expressions):
    parts = [text] if text else []
    for expression in expressions:
        next_parts = []
        for part in parts:
            at = 0
            for match in regex.finditer(expression, part):
                next_parts += [part[at : match.start()], match.group()]
                at = match.end()
            next_parts.append(part[at:])
        parts = [part for part in next_parts if part]
    return [len(part.encode()) for part in parts]


def split_goldens(all_texts):
    rows = []
    for _, text in all_texts:
        try:
            text = text.decode()
        except UnicodeDecodeError:
            rows.append({})
            continue
        # Python's \s has four control characters more than Unicode's White_Space.
        text_without = regex.sub("[\x1c-\x1f]", "\x01", text)
        rows.append({pre: split(text_without, SPLITS[pre]) for pre in PRE})
    write_lines("splits.jsonl", rows)


# ---- a little vocabulary ----


def byte_characters():
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in own]
    return {b: chr(b) if b in own else chr(0x100 + others.index(b)) for b in range(256)}


def train_merges(all_texts, n):
    """Byte-pair merges of the texts' words, most frequent first."""
    character = byte_characters()
    words = collections.Counter()
    for _, text in all_texts:
        text = text.decode(errors="replace")
        for word in regex.findall(PREFIXED % 3, text):
            words[tuple(character[b] for b in word.encode())] += 1
    merges = []
    while len(merges) < n:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = max(sorted(pairs), key=lambda pair: pairs[pair])
        merges.append(best)
        merged = collections.Counter()
        for word, count in words.items():
            result = []
            for symbol in word:
                if result and (result[-1], symbol) == best:
                    result[-1] += symbol
                else:
                    result.append(symbol)
            merged[tuple(result)] += count
        words = merged
    return merges


def write_tiny(path, pre, merges):
    tokens = [byte_characters()[b] for b in range(256)]
    for left, right in merges:
        if left + right not in tokens:
            tokens.append(left + right)
    tokens.append("<|end|>")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (len(tokens) - 1) + [3])
    writer.add_token_merges([f"{left} {right}" for left, right in merges])
    writer.add_bos_token_id(len(tokens) - 1)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tiny_goldens(all_texts):
    merges = train_merges(all_texts, 400)
    rng = random.Random(7)
    # Ranks out of order, so that a word that is a token is not always what the merges make of it.
    tail = merges[200:]
    rng.shuffle(tail)
    merges = merges[:200] + tail
    with open(os.path.join(FOLDER, "tiny-merges.txt"), "w", encoding="utf-8") as file:
        for left, right in merges:
            file.write(f"{left} {right}\n")
    rows = [{} for _ in all_texts]
    with tempfile.TemporaryDirectory() as folder:
        for pre in PRE:
            path = os.path.join(folder, "tiny.gguf")
            write_tiny(path, pre, merges)
            tokenizer = Tokenizer(path)
            for row, (_, text) in zip(rows, all_texts):
                value = fnv1a(b"")
                for token in tokenizer.tokens(text, False):
                    value = fnv1a(token.to_bytes(2, "little"), value)
                row[pre] = f"{value & 0xFFFFFFFF:08x}"
    write_lines("tokens-tiny.jsonl", rows)


def write_lines(name, rows):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "models"
    quiet = llama_cpp.llama_log_callback(lambda level, text, user: None)
    llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
    all_texts = list(texts())
    write_lines("texts.jsonl", [{"what": what, "hex": text.hex()} for what, text in all_texts])
    split_goldens(all_texts)
    for model in MODELS:
        model_goldens(folder, model, all_texts)
    tiny_goldens(all_texts)
    print(f"{len(all_texts)} texts")


main()
