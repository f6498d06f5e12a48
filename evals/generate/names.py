"""Invented names: companies from syllables, people by language. None is taken from anywhere."""

from evals.generate.draw import Draw

_HEADS = (
    "Alder Bram Calt Dorn Elm Fenn Gorse Harl Ister Jun Kest Lor Marl Nev Ost Pell Quill Rusk Sorr Tarn Ulver Vex Wren Yarr Zell "
    "Brin Corv Dask Evel Frith Glim Holm Ived Kald Lund Mosk Nord Orrin Pryn Rill Skel Thim Und Varn Wick Asp Birk Crel Drav"
).split()
_TAILS = (
    "aby acre asta bury by dale den dora ell en era eth field ford gate haven holt ia ica ifer in ingo ion is ium ive low mark mere "
    "mont more ness o on or ora ow ridge sen shaw sund ta ton vale via ville wick worth yard"
).split()
_TRADES = (
    "Analytics Apparel Bakery Books Care Clinics Coffee Commerce Dental Energy Events Farms Finance Foods Freight Games Garden Glass "
    "Health Homes Hotels Insurance Interiors Kitchens Labs Learning Legal Lending Logistics Markets Media Motors Music Networks Optics "
    "Outdoor Payroll Pharma Pottery Press Rail Rentals Retail Robotics Schools Shipping Sports Studio Supply Systems Telecom Textiles "
    "Tickets Tools Toys Transit Travel Trust Utilities Ventures Water Works"
).split()
_FIRST = {
    "en": "Alice Ben Chloe Dan Erin Frank Grace Harry Isla Jack Kate Liam Mia Noah Olive Paul Rose Sam Tess Will",
    "de": "Anke Bernd Claudia Dieter Elke Florian Gesa Holger Ines Jörg Katrin Lutz Maren Nils Petra Rolf Silke Timo Ute Volker",
    "es": "Alba Bruno Carmen Diego Elena Felipe Gloria Hugo Inés Javier Laura Mateo Nuria Óscar Pilar Raúl Sofía Tomás",
    "fr": "Aline Benoît Camille Denis Élise Fabien Gaëlle Hervé Ines Julien Lucie Maxime Noémie Olivier Pauline Rémi Sylvie",
    "pt": "Ana Bruno Catarina Davi Eduarda Fábio Gabriela Henrique Inês João Lara Miguel Natália Otávio Rita Tiago",
    "ja": "彩 健太 直子 大輔 美咲 翔 由美 拓也 香織 亮 真央 誠",
    "it": "Alessia Bruno Chiara Dario Elisa Franco Giulia Luca Marta Nicola Paola Rocco Sara Tommaso",
    "nl": "Anouk Bram Daan Esther Femke Gijs Hanneke Joost Lotte Maarten Niels Roos Sanne Thijs",
    "pl": "Agata Bartosz Celina Dawid Ewa Filip Grażyna Jacek Kinga Marek Ola Paweł Renata Tomasz",
    "tr": "Ayşe Burak Ceren Deniz Elif Emre Gizem Hakan İrem Kerem Leyla Murat Selin Tolga",
}
_LAST = {
    "en": "Ashdown Birchall Coombe Dray Ellwood Fairley Garrod Hatherly Inskip Kettle Lathom Mowbray Nettle Peverell Rudge Sallow",
    "de": "Achterberg Brinkholt Dornseif Eschbach Finkenau Grothus Hollerbusch Kranewitt Lindhoff Mühlbeck Osterkamp Rehfeld Stöver",
    "es": "Alcorta Barrueco Cifuentes Doñate Escudell Figuerola Garmendia Llorca Montesa Ordóñez Peñalba Quintela Sarmiento",
    "fr": "Aubrac Bellanger Chastel Delorme Fontvieille Garrigou Lachenal Malestroit Orsenne Perrachon Quénet Roubaud Vauquelin",
    "pt": "Abrantes Barcelos Cordeiro Damasceno Falcão Guimarães Lacerda Madureira Noronha Peixoto Quaresma Sardinha Tavares",
    "ja": "青柳 石渡 鵜飼 榎戸 小笠 柏崎 葛城 桐谷 久米 栗原 志水 瀬戸口",
    "it": "Albinoni Bertolucci Carraro Dallapiccola Ferraris Grimaldo Lorenzon Marchesin Pellizzari Ruggeroni Toscanini",
    "nl": "Aartsma Boonstra Dijkhof Elzinga Groeneboom Hoekstra Kooiman Lammers Nijboer Postma Schuurman Terpstra",
    "pl": "Adamiec Borkowicz Czajka Dudziak Fijałkowski Grabiec Jaworek Kołodziej Łasica Mazurek Rogalski Sikora",
    "tr": "Akbulut Bozkaya Çelikel Demirtaş Erginel Günay Karadağ Özlem Sarıca Tuncel Yıldırım",
}
_ASCII = str.maketrans("äöüßéèêëáàâãçğıİíîïłñóôõøşúûżąćęńśźÖÇŁÓÉŞÂ", "aousEeeeaaaacgiiiiilnooooouuzacenszOCLOEsA".lower())


def company(draw: Draw, taken: set[str]) -> str:
    """Return a company's name that is not taken yet, and take it."""
    while True:
        name = draw.pick(_HEADS) + draw.pick(_TAILS)
        if draw.chance(0.7):
            name += f" {draw.pick(_TRADES)}"
        if slug(name) not in taken:
            taken.add(slug(name))
            return name


def lookalike(draw: Draw, name: str, taken: set[str]) -> str:
    """Return the name of another company that is easily taken for this one, and take it."""
    head = name.split(" ")[0]
    while True:
        other = f"{head} {draw.pick(_TRADES)}" if draw.chance(0.6) else f"{head[:-1]}{draw.pick('aeios')} {draw.pick(_TRADES)}"
        if slug(other) not in taken:
            taken.add(slug(other))
            return other


def person(draw: Draw, language: str) -> str:
    """Return somebody's name in a language, family name first in Japanese."""
    first, last = draw.pick(_FIRST[language].split()), draw.pick(_LAST[language].split())
    return f"{last} {first}" if language == "ja" else f"{first} {last}"


def mailbox(name: str, draw: Draw) -> str:
    """Return the part of an e-mail address before the @, in ASCII."""
    plain = name.translate(_ASCII).lower().replace(" ", ".")
    return plain if plain.isascii() else f"{draw.pick(('support', 'dev', 'api', 'system'))}{draw.between(1, 99)}"


def slug(name: str) -> str:
    """Return a name in lower case with hyphens."""
    return name.lower().replace("&", "and").replace(" ", "-")
