"""What a producer may call a ticket, a team or a priority, by accident or on purpose."""

ODD = {
    "quotes": '"><img src=x onerror="window.hacked=1">\'`${window.hacked=1}',
    "template": "{{constructor.constructor('window.hacked=1')()}}",
    "entities": "&lt;script&gt;window.hacked=1&lt;/script&gt;&#60;",
    "right to left": "T-\u202e1=dekcah.wodniw\u2066<script>",
    "right to left script": "\u05ea\u05e7\u05dc\u05d4 \u0645\u0631\u062d\u0628\u0627 42",
    "controls": "T\x00\x07\x1b[31m\r\n\u2028\u2029\ufeff-1",
    "marks upon marks": "T" + "\u0489\u0334\u0301" * 40,
    "wide": "\ufdfd\U0001242b" * 20,
    "long": "0123456789" * 1000,
    "long with spaces": "lorem ipsum " * 800,
}
