"""Text of our own in many scripts and kinds: what the approximate counter was fitted to."""

# ruff: noqa: E501 - other scripts and log lines look like this

PROSE = """The committee met on Thursday afternoon to decide what should happen with the old lighthouse. Nobody
wanted to tear it down, but the repairs would cost more than the village earns in two good summers. Margaret
suggested that we rent it to artists; her brother laughed, then admitted he had no better idea. I don't think
we'll agree before winter, and honestly that's fine. She's already written to the insurance company, who haven't
replied. Could you check whether they received the letter? Thanks so much, and say hello to your parents!"""

CHAT = """Hey! How was your weekend? We went hiking with the kids and it rained the whole time lol. Mia found a tiny
frog and named it Professor Jump. Btw did you get the job?? I'm so excited for you, call me tonight if you can :)"""

MARKDOWN = """## Installing

1. Clone the repository and create a virtual environment.
2. Run `make install`; it needs **Python 3.11** or newer.

| option | default | meaning |
|---|---|---|
| `--retries` | 3 | how often a failed request is repeated |
| `--timeout-ms` | 2500 | give up after this many milliseconds |

- [x] parser, - [ ] writer (see [the plan](docs/plan.md#writer))
"""

PYTHON = '''def merge_intervals(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join what overlaps."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


class RetryingClient(BaseClient):
    MAX_ATTEMPTS = 5

    def fetch_json(self, url: str, *, timeout: float = 2.5) -> dict[str, Any]:
        for attempt in range(self.MAX_ATTEMPTS):
            try:
                return self._session.get(url, timeout=timeout).json()
            except (ConnectionError, TimeoutError) as error:
                self.logger.warning("attempt %d failed: %s", attempt, error)
        raise RuntimeError(f"no answer from {url!r} after {self.MAX_ATTEMPTS} attempts")
'''

TYPESCRIPT = """import { readFileSync } from "node:fs";

export interface ThemeOptions { accentColor: string; borderWidth?: number; }

export class SelectorComponent extends Container {
\tprivate selectedIndex = 0;
\tconstructor(private readonly options: ThemeOptions, private onSelect: (id: string) => void) {
\t\tsuper();
\t\tthis.addChild(new Spacer(1));
\t}
\trender(width: number): string[] {
\t\treturn this.items.map((item, i) => (i === this.selectedIndex ? `> ${item.label}` : `  ${item.label}`));
\t}
}
"""

JSON = """{"orderId": "ORD-48213", "customer": {"firstName": "Lena", "lastName": "Okafor", "zip": "04109"},
"items": [{"sku": "B07-XK22", "qty": 2, "price": 19.99}, {"sku": "C11-PL90", "qty": 1, "price": 240.5}],
"paid": true, "note": null, "createdAt": "2031-03-14T09:26:53Z"}"""

MINIFIED = (
    """{"a":1,"path":"src/lib/util.ts","edits":[{"old":"foo(bar)","new":"foo(bar, baz)"}],"ok":false}"""
)

SHELL = """$ ls -la build
total 48
drwxr-xr-x  5 ines staff   160 Mar  3 18:22 .
-rw-r--r--  1 ines staff 10482 Mar  3 18:21 bundle.min.js
-rw-r--r--  1 ines staff   733 Mar  2 07:02 index.html
$ npm run check
> quiet-garden@0.4.1 check
> tsc --noEmit && eslint src --max-warnings=0

src/garden/watering.ts(41,17): error TS2345: Argument of type 'string' is not assignable to parameter 'number'.
"""

TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/worker.py", line 88, in run
    result = handler(job.payload)
  File "/srv/app/handlers/export.py", line 31, in export_rows
    writer.writerow([row["id"], row["total_cents"] / 100])
KeyError: 'total_cents'
"""

LOG = """2031-03-14 09:26:53,117 INFO  [pool-2-thread-7] c.e.billing.InvoiceJob - invoice 7f3a9c12-55de-4b0e sent in 182ms
2031-03-14 09:26:54,003 WARN  [pool-2-thread-1] c.e.billing.Mailer - 10.0.14.22:587 refused, retry 2/5 in 4000ms
2031-03-14 09:26:58,411 ERROR [main] c.e.App - sha256=9b74c9897bac770ffc029102a200c5de mismatch for user_id=88213
"""

DIFF = """@@ -12,7 +12,8 @@ function total(items) {
-  let sum = 0;
+  let sum = 0.0;
+  const seen = new Set();
   for (const item of items) {
     sum += item.price * item.qty;
"""

GERMAN = """Die Gemeindeversammlung hat beschlossen, den alten Leuchtturm nicht abzureißen. Für die Reparaturarbeiten fehlen
allerdings über zwölftausend Euro, weshalb Übergangslösungen geprüft werden müssen."""
FRENCH = """L'assemblée a décidé de ne pas démolir le vieux phare. Où trouver l'argent nécessaire aux réparations ? Ça, personne
ne le sait encore, mais les élèves préparent déjà une fête à Noël."""
SPANISH = """El pueblo no quiere derribar el faro. ¿Quién pagará las obras? Mañana habrá otra reunión en el café de la señora
Núñez, y esperamos que vengan también los niños."""
POLISH = """Mieszkańcy nie chcą rozbiórki starej latarni. Kto zapłaci za naprawę? Jutro odbędzie się następne zebranie."""
RUSSIAN = """Жители не хотят сносить старый маяк. Кто заплатит за ремонт? Завтра вечером будет ещё одно собрание, и мы надеемся,
что придут все."""
GREEK = """Οι κάτοικοι δεν θέλουν να κατεδαφιστεί ο παλιός φάρος. Ποιος θα πληρώσει τις επισκευές;"""
ARABIC = """لا يريد أهل القرية هدم المنارة القديمة. من سيدفع ثمن الإصلاحات؟ غداً سيعقد اجتماع آخر في المساء."""
HEBREW = """תושבי הכפר אינם רוצים להרוס את המגדלור הישן. מי ישלם על התיקונים? מחר תתקיים פגישה נוספת."""
HINDI = """गाँव के लोग पुराने प्रकाशस्तंभ को गिराना नहीं चाहते। मरम्मत का पैसा कौन देगा? कल शाम को एक और बैठक होगी।"""
THAI = """ชาวบ้านไม่อยากรื้อประภาคารเก่า ใครจะจ่ายค่าซ่อมแซม พรุ่งนี้จะมีการประชุมอีกครั้งในตอนเย็น"""
CHINESE = """村民们不想拆掉旧灯塔。谁来支付修理费用呢？明天晚上还会再开一次会，希望大家都能来参加，一起讨论解决办法。"""
JAPANESE = """村の人々は古い灯台を壊したくありません。修理の費用は誰が払うのでしょうか。明日の夜、もう一度会議があります。"""
KOREAN = """마을 사람들은 오래된 등대를 허물고 싶어 하지 않습니다. 수리비는 누가 낼까요? 내일 저녁에 다시 회의가 열립니다."""
EMOJI = """Done! 🎉🎉 thanks 🙏 see you ❤️ 😂😂😂 👍🏽 🚀 ✅ ❌ ⚠️"""
SIGNS = """┌────────┬──────┐
│ name   │ size │
├────────┼──────┤
└────────┴──────┘ → ✓ • … — “quoted” ‘single’ ≤ ≥ × ±
=====================================================
"""
ENCODED = """eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiIsInJvbGUiOiJndWVzdCJ9.x7Qm2vPz9LkT4sWb1NcYh8RdJf0GuEa
toolu_8Kq3WnZ5xRt7YpLm2VbCs9Df 3f2504e0-4f89-11d3-9a0c-0305e82c3301 0xDEADBEEF 1234567890 3.14159265"""

SAMPLES = {name.lower(): text for name, text in globals().items() if name.isupper() and isinstance(text, str)}
