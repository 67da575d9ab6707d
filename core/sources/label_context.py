"""What the words around a tissue's name make of it: a sign of the tissue, a weak one, or none.

"non-liver", "kidney-specific promoter", "metastatic to liver", "co-cultured with fibroblasts" name what a biosample is
not. Decided here, and not to be found in other places:

- what something is derived from is no label: "iPSC-derived neurons" are neurons, "liver-derived cells" are not liver;
- a tissue before a cell type, or after it with "from" or "of", says where cells were taken: "lung fibroblasts" and
  "T cells from spleen" are fibroblasts and T cells; the tissue counts where a field of its own names it. The same holds
  for cells that others are sorted or grown from ("origin"): "iPSC neurons", "T cells from PBMC";
- a tumour's tissue is a weak sign, for where there is no better one: "lung cancer" is lung, "PBMC, lung cancer" is not;
- where a tumour went is no label: "lung cancer brain metastasis" is lung.
"""

from collections.abc import Iterator

from core.sources.label_vocabulary import Match, Text

NO, WEAK, STRONG = 0, 1, 2


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(*phrases: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(phrase.split()) for phrase in phrases)


# Tokens have no plural s (see ``canonical``).
_BREAKS = frozenset(",;:()[]|{}")
_PREPOSITIONS = _words("from in into of to with and or for by on at vs versus plus per than as without")
_NEGATIONS = _words("no not without lacking lack minus excluding exclude except nor neither zero")
_GLUED_NEGATIONS = _words("non anti extra")
_FILLERS = _words("the a an any of from in evidence detectable visible human adult fetal foetal normal healthy")
_DISEASE = _words(
    "cancer carcinoma adenocarcinoma tumor tumour tumoral neoplasm neoplasia malignancy sarcoma cirrhosis fibrosis "
    "adenoma lesion lymphoma leukemia leukaemia myeloma injury inflammation infection inflammatory"
)
_DISEASE_SHORT = _words("pdac nsclc sclc luad lusc ccrcc kirc hnscc crc")
_BLOOD_CANCER = _words("leukemia leukaemia lymphoma myeloma neoplasm malignancy sarcoma carcinoma")
_ILLNESS = _words(
    "failure hypertension disease syndrome embolism attack disorder tuberculosi stenosi thrombosi insufficiency"
)
_AFTER = _words(
    "specific like related free negative neg depleted depletion homing tropic conditioned extract lysate promoter "
    "enhancer factor receptor antigen protein peptide marker gene transplant transplantation transplanted recipient "
    "project study cohort atlas consortium database metastasi metastase metastasis metastases met involvement invasive "
    "invading progenitor precursor stem function toxicity infiltrated infiltrating infiltrate supernatant medium media "
    "feeder lineage signature engager hormone stimulated primed pulsed educated mimetic cytokine secretome exosome "
    "differentiation associated resident restricted independent bank derivative model "
    "humanized humanised draining equivalent aspirate lavage fluid washing secretion juice wash"
)
_AFTER_LINE = _words("conditioned negative free depleted supernatant extract lysate stimulated primed pulsed educated "
                     "feeder like secretome")  # fmt: skip
_ORIGIN = _words("derived derivation originated")
_ANY_CELL = _words("cell single whole total tissue living viable frozen fresh")
_BETWEEN = _words("cell tissue tumor tumour cancer stem")
_BECOMES = _words("differentiated reprogrammed converted transdifferentiated differentiating matured "
                  "transformed programmed reprogramming differentiation conversion")  # fmt: skip
_TOWARDS = _words("into to toward")
_PERSONS = _words("patient subject individual people person women men case survivor carrier")
_BEFORE = _phrases(
    "adjacent to", "next to", "close to", "near", "beside", "metastatic to", "metastatic in", "metastasi to",
    "metastase to", "metastasized to", "metastasizing to", "metastasised to", "spread to", "depleted of",
    "depleted for", "devoid of", "free of", "negative for", "absence of", "deprived of", "cocultured with",
    "co cultured with", "cocultivated with", "coculture with", "co culture with", "co cultivated with", "treated with",
    "stimulated with", "incubated with", "exposed to", "pulsed with", "primed with", "infected with",
    "transfected with", "supplemented with", "mixed with", "challenged with", "contact with", "injected with",
    "injected into", "engrafted in", "engrafted into", "implanted in", "implanted into", "inoculated into",
    "transplanted into", "grown on", "cultured on", "plated on", "seeded on", "derived from", "originating from",
    "originated from", "reprogrammed from", "differentiated from", "generated from", "converted from", "induced from",
    "made from", "patient with", "subject with", "individual with", "donor with", "women with", "men with",
    "people with", "compared to", "compared with", "relative to", "control for", "similar to", "resembling",
    "mimicking", "directed against", "against", "reactive to", "toward", "specific for", "specific to", "targeting",
    "homing to", "migrated to", "migrating to", "history of", "diagnosed with", "knockdown of", "knockout of",
    "loss of", "interaction with", "response to", "prior to", "awaiting", "risk of", "before",
)  # fmt: skip
_LONGEST_CUE = 3
_REACH = 4  # tokens between a cue and what it is about


def judge(text: Text, matches: list[Match]) -> list[tuple[Match, int]]:
    """STRONG, WEAK or NO for each match of a text, words that name nothing left out."""
    named = [match for match in matches if match.kind != "none"]
    return [(match, _strength(text, match, named)) for match in named]


def _strength(text: Text, match: Match, named: list[Match]) -> int:
    if _refused_before(text, match) or _refused_after(text, match):
        return NO
    if match.kind in ("tissue", "origin") and _only_origin(text, match, named):
        return NO
    if match.kind == "tissue" and _is_disease(text, match):
        return NO if _of_persons(text, match) or _gene_of_disease(text, match) else WEAK
    return STRONG


def _refused_before(text: Text, match: Match) -> bool:
    before = list(_clause_before(text, match.start))  # nearest first
    if (before and before[0] in _GLUED_NEGATIONS) or before[:2] == ["o", "w"]:
        return True
    for token in before:
        if token in _NEGATIONS:
            return True
        if token not in _FILLERS:
            break
    return _cue_before(before)


def _cue_before(before: list[str]) -> bool:
    """Whether a phrase such as "co-cultured with" stands before, with few words in between and none that turns away."""
    for skipped in range(min(_REACH, len(before)) + 1):
        for length in range(1, _LONGEST_CUE + 1):
            if tuple(reversed(before[skipped : skipped + length])) in _BEFORE:
                return True
        if skipped < len(before) and before[skipped] in _PREPOSITIONS - {"of", "and", "or"}:
            return False
    return False


def _refused_after(text: Text, match: Match) -> bool:
    after = list(_clause_after(text, match.stop))
    if not after:
        return False
    if match.kind == "line":
        return after[0] in _AFTER_LINE
    if after[0] == "on" and "chip" in after[1:4]:
        return True
    if after[0] in _AFTER:
        return not (after[0].startswith("transplant") and "biopsy" in after[1:3])
    if match.kind in ("cell", "origin"):
        if _becomes(after):
            return True
        if any(token in _BLOOD_CANCER for token in _until_preposition(after, 3)):
            return True
    elif any(token in _ILLNESS for token in _until_preposition(after, 3)):
        return True
    rest = next((i for i, token in enumerate(after) if token not in _BETWEEN), len(after))
    return rest < len(after) and (after[rest] in _ORIGIN or (rest > 0 and after[rest] in _AFTER_LINE | {"specific"}))


def _becomes(after: list[str]) -> bool:
    """ "iPSC line 4 differentiated into ...": what follows is what it is now."""
    for i, token in enumerate(after[:5]):
        if token in _BECOMES:
            return any(other in _TOWARDS for other in after[i + 1 : i + 3])
    return False


def _only_origin(text: Text, match: Match, named: list[Match]) -> bool:
    """Whether it only says where cells come from: "lung fibroblasts", "T cells isolated from spleen"."""
    cells = [other for other in named if other.kind in ("cell", "line")]
    if match.kind == "tissue":
        if _of_unknown_cells(list(_clause_after(text, match.stop))):
            return True
        cells += [other for other in named if other.kind == "origin"]
    for other in cells:
        if match.stop <= other.start <= match.stop + 3 and not _parted(text, match.stop, other.start):
            return True
    before = list(_clause_before(text, match.start))
    at = next((i for i, token in enumerate(before) if token in _PREPOSITIONS), None)
    if at is None or before[at] not in ("from", "of"):
        return False
    return "cell" in before[at:] or any(other.stop <= match.start for other in cells)


def _of_unknown_cells(after: list[str]) -> bool:
    """ "endometrial stromal cells", for which the vocabulary has no name; "lung squamous cell carcinoma" is none."""
    if len(after) < 2 or after[1] != "cell" or after[0] in _PREPOSITIONS | _DISEASE | _ANY_CELL:
        return False
    return not any(token in _DISEASE for token in after[2:4])


def _parted(text: Text, start: int, stop: int) -> bool:
    between = text.tokens[start:stop]
    return any(_breaks(text.gaps[i]) or "/" in text.gaps[i] for i in range(start, stop + 1)) or any(
        token in _PREPOSITIONS for token in between
    )


def _is_disease(text: Text, match: Match) -> bool:
    own = text.tokens[match.start : match.stop]
    if any(token in _DISEASE or token in _DISEASE_SHORT or token.endswith("oma") for token in own):
        return True
    after = _until_preposition(list(_clause_after(text, match.stop)), 4)
    return any(token in _DISEASE or token.endswith("oma") for token in after)


def _of_persons(text: Text, match: Match) -> bool:
    """ "from breast cancer patients": the persons' illness, not what was taken of them."""
    at = next((i for i, token in enumerate(_clause_after(text, match.stop)) if token in _PERSONS), None)
    if at is None or at > 3:
        return False
    return any(token in ("from", "of", "in") for token in list(_clause_before(text, match.start))[:3])


def _gene_of_disease(text: Text, match: Match) -> bool:
    """ "breast cancer 1 gene": a number, and soon a word that speaks of a gene."""
    after = list(_clause_after(text, match.stop))[:6]
    number = any(token.isdigit() for token in after[:3])
    speaks = any(token in _GENE_WORDS for token in after)
    following = text.tokens[match.stop : match.stop + 6]
    return (number and (speaks or "brca" in following)) or any(token in _GENE_WORDS for token in after[:2])


_GENE_WORDS = _words("gene protein susceptibility antigen brca knockdown knockout onset mutation drug vaccine therapy")


def _clause_before(text: Text, start: int) -> Iterator[str]:
    """Tokens before a position, the nearest first, up to the end of the clause before."""
    for i in range(start - 1, -1, -1):
        if _breaks(text.gaps[i + 1]):
            return
        yield text.tokens[i]


def _clause_after(text: Text, stop: int) -> Iterator[str]:
    for i in range(stop, len(text.tokens)):
        if _breaks(text.gaps[i]):
            return
        yield text.tokens[i]


def _until_preposition(tokens: list[str], most: int) -> list[str]:
    found = []
    for token in tokens[:most]:
        if token in _PREPOSITIONS:
            break
        found.append(token)
    return found


def _breaks(gap: str) -> bool:
    return any(mark in _BREAKS for mark in gap) or ". " in gap or " - " in gap or gap.startswith("- ")
