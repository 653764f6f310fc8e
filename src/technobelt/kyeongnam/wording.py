"""Free text of the source material, brought into the layers' words.

Spellings of 1999, provenance without the names of accounts and files, published figures.
"""

from __future__ import annotations

import re

__all__ = [
    "BOUNDARY_LICENCE",
    "BOUNDARY_SOURCE",
    "CENSUS_LICENCE",
    "FACTS_LICENCE",
    "OSM_LICENCE",
    "OSM_SOURCE",
    "largest_area",
    "name_of_1999",
    "plain_name",
    "plain_note",
    "plain_source",
    "plain_township",
]

OSM_SOURCE = "OpenStreetMap, August 2021"
OSM_LICENCE = "ODbL 1.0, © OpenStreetMap contributors"
BOUNDARY_SOURCE = "Statistics Korea SGIS, boundaries of 2018"
BOUNDARY_LICENCE = "KOGL type 1, Statistics Korea SGIS 2018"
CENSUS_LICENCE = "CC BY 3.0, Statistics Korea"
FACTS_LICENCE = "facts; pages named in source"

# Today's official romanisation (July 2000) -> how the plan and maps of 1999 spelt it, without the
# diacritics. A list and not a rule: the plan itself is not regular (Sachun, Kyeongnam).
_SPELT_1999 = {
    "Anjeong": "Anjong",
    "Buk": "Puk",
    "Busan": "Pusan",
    "Busanjin": "Pusanjin",
    "Changnyeong": "Changnyong",
    "Cheolma": "Cholma",
    "Cheongdo": "Chongdo",
    "Cheongnyang": "Chongnyang",
    "Chilseo": "Chilso",
    "Chojeong": "Chojong",
    "Chukdong": "Chuktong",
    "Chungcheongbuk": "Chungchongbuk",
    "Chungcheongnam": "Chungchongnam",
    "Daecheong": "Taechong",
    "Daedong": "Taedong",
    "Daegam": "Taegam",
    "Daegu": "Taegu",
    "Daejeo": "Taejo",
    "Dalseo": "Talso",
    "Dalseong": "Talsong",
    "Danseong": "Tansong",
    "Deokcheon": "Tokchon",
    "Dong": "Tong",
    "Dongnae": "Tongnae",
    "Eogok": "Ogok",
    "Eonyang": "Onyang",
    "Gajwa": "Kajwa",
    "Gangseo": "Kangso",
    "Garak": "Karak",
    "Geochang": "Kochang",
    "Geoje": "Koje",
    "Geumjeong": "Kumjong",
    "Geumsan": "Kumsan",
    "Gijang": "Kijang",
    "Gimcheon": "Kimchon",
    "Gimhae": "Kimhae",
    "Gokseong": "Koksong",
    "Gonyang": "Konyang",
    "Goryeong": "Koryong",
    "Goseong": "Kosong",
    "Gunbuk": "Kunbuk",
    "Gurye": "Kurye",
    "Guseo": "Kuso",
    "Gwangjae": "Kwangjae",
    "Gwangyang": "Kwangyang",
    "Gyeongju": "Kyongju",
    "Gyeongnam": "Kyeongnam",
    "Gyeongsan": "Kyongsan",
    "Gyeongsang": "Kyeongsang",
    "Gyeongsangbuk": "Kyeongsangbuk",
    "Gyeongsangnam": "Kyeongsangnam",
    "Hapcheon": "Hapchon",
    "Hyeonpung": "Hyonpung",
    "Jangan": "Changan",
    "Jangjeon": "Changjon",
    "Jangji": "Changji",
    "Jangsu": "Changsu",
    "Jangyu": "Changyu",
    "Jeollabuk": "Chollabuk",
    "Jeollanam": "Chollanam",
    "Jeongchon": "Chongchon",
    "Jillye": "Chillye",
    "Jinan": "Chinan",
    "Jingyo": "Chingyo",
    "Jinhae": "Chinhae",
    "Jinjeon": "Chinjon",
    "Jinju": "Chinju",
    "Jinsa": "Chinsa",
    "Jinseong": "Chinsong",
    "Jinwol": "Chinwol",
    "Jinyeong": "Chinyong",
    "Jisa": "Chisa",
    "Jisepo": "Chisepo",
    "Jisu": "Chisu",
    "Jukdo": "Chukto",
    "Jung": "Chung",
    "Macheon": "Machon",
    "Mulgeum": "Mulgum",
    "Myeongji": "Myongji",
    "Naengjeong": "Naengjong",
    "Naeseo": "Naeso",
    "Sacheon": "Sachun",
    "Sancheong": "Sanchong",
    "Sangpyeong": "Sangpyong",
    "Seo": "So",
    "Seomjingang": "Somjingang",
    "Seongju": "Songju",
    "Seongsan": "Songsan",
    "Seoulsan": "Soulsan",
    "Suncheon": "Sunchon",
    "Suseong": "Susong",
    "Suyeong": "Suyong",
    "Tongyeong": "Tongyong",
    "Uiryeong": "Uiryong",
    "Yeongcheon": "Yongchon",
    "Yeongdo": "Yongdo",
    "Yeongdong": "Yongdong",
    "Yeongsan": "Yongsan",
    "Yeonhwasan": "Yonhwasan",
    "Yeonje": "Yonje",
    "Yeosu": "Yosu",
}

# Where a name in brackets is the one of 1999.
_RENAMED = (r"\(until 2000 ([^();]+?)\)", r"\(former ([^();]+?)\)", r"\(([^();]+?) in 1999[;)]")

_SOURCES = (  # what to find, what to say instead; in this order
    (r",? via github .*?(?=\(|$)", " "),
    (r"[:;,]? ?\bgithub file id \d+", ""),
    (r"\(github [^()]*(?:\([^()]*\))?[^()]*\)", ""),
    (r" in github \S+", ""),
    (r"github \w+ (?:hits|id \d+)", "a public listing"),
    (r": github \S+ \S+ \(UTIC/ITS CCTV positions\)", ""),
    (r"\(UTIC/ITS CCTV positions\)", ""),
    (r"[;,]? ?github \S+@\S+ \S+", ""),
    (r"\bITS \(국가교통정보센터\) expressway CCTV", "traffic camera (national transport centre),"),
    (r"\bCCTV\b", "traffic camera"),
    (r"^paper\b|(?<=; )paper\b", "Park and Lee (1999)"),
    (r"\(\s*\)", ""),
    (r"\s+([,;)])", r"\1"),
    (r",\s*position\b", " position"),
)


def plain_source(text: str) -> str:
    """Say where a fact comes from, without account, repository or file numbers.

    Examples
    --------
    >>> plain_source("geocoded address 공단1로 78: github file id 62468103882 (address list)")
    'geocoded address 공단1로 78 (address list)'
    >>> plain_source("CCTV 산막: github some/one@963236e a/b.xlsx (UTIC/ITS CCTV positions)")
    'traffic camera 산막'
    """
    for pattern, instead in _SOURCES:
        text = re.sub(pattern, instead, text)
    text = re.sub(r"\s{2,}", " ", text).strip(" ;,:")
    if text.startswith("("):  # only a remark is left
        return f"a published coordinate {text}"
    return text


def plain_note(text: str) -> str | None:
    """Return a note in the same way, or None where there is nothing to say.

    Examples
    --------
    >>> plain_note("listed in 2010s (github lookup id 34477415277)")
    'listed in 2010s'
    """
    return plain_source(text) or None


def plain_name(text: str) -> str:
    """Drop the mark ``context`` that the source puts on places outside the plan.

    Examples
    --------
    >>> plain_name("Onsan National Industrial Complex (Ulsan, context)")
    'Onsan National Industrial Complex (Ulsan)'
    >>> plain_name("Busan Science Park / Jisa (context)")
    'Busan Science Park / Jisa'
    """
    return re.sub(r", context\)|\s*\(context\)", lambda m: ")" if m[0][0] == "," else "", text)


def plain_township(name: str) -> str:
    """Write the English name of an eup, myeon or dong in one way.

    Examples
    --------
    >>> plain_township("Naedongmyeon"), plain_township("Sangbong_dong")
    ('Naedong-myeon', 'Sangbong-dong')
    >>> plain_township("Jangyu1(il)-dong"), plain_township("cheonjeon-dong")
    ('Jangyu 1-dong', 'Cheonjeon-dong')
    """
    name = re.sub(r"\s*(\d)\s*\(\w+\)", r" \1", name.strip())
    name = re.sub(r"[\s_-]*(eup|myeon|dong)$", r"-\1", name)
    return name[:1].upper() + name[1:]


def name_of_1999(name: str) -> str:
    """Spell a name as in 1999; where nothing else is known, that is as today.

    Examples
    --------
    >>> name_of_1999("Inje University, Gimhae campus")
    'Inje University, Kimhae campus'
    >>> name_of_1999("Changwon Moonsung University (former Changwon College)")
    'Changwon College'
    >>> name_of_1999("Changwon National University")
    'Changwon National University'
    """
    then = name
    for pattern in _RENAMED:
        found = re.search(pattern, name)
        if found:
            then = found[1]
    return re.sub(r"[A-Z][a-z]+", lambda word: _SPELT_1999.get(word[0], word[0]), then)


def largest_area(published: float | None, note: str) -> float | None:
    """Return the largest area (km2) that a note names beside the published one, else None.

    Examples
    --------
    >>> largest_area(25.3, "area = managed area; other figures seen: 20.20 (1974), 55.2 (1977)")
    55.2
    >>> largest_area(1.5, "1,528,655 m2 (1.643 after 2012 extension)")
    1.643
    >>> largest_area(2.1, "2,135,231 m2") is None
    True
    """
    seen = re.search(r"other figures seen: (.*)", note)
    figures = re.findall(r"(?:^|, )(\d+\.?\d*) \(", seen[1]) if seen else []
    figures += re.findall(r"\((\d+\.\d+) after \d{4} extension\)", note)
    largest = max(map(float, figures), default=None)
    return largest if largest is not None and largest > (published or 0.0) else None
