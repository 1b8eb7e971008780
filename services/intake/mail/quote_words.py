"""Words that mail programs write above what they quote or forward, by language: data for ``quotations``.

A language is added here: its verb of "X wrote:", the labels of a block of headers, the words between dashes. Words are
compared in small letters; alternatives are parts of a regular expression, without any that repeat."""

from typing import Final

WROTE: Final = {
    "tr": r"yazdı|yazdılar|yazmış|yazmıştır|yazıyor|demiş ki",
    "en": r"wrote|writes",
    "de": r"schrieb|schreibt|geschrieben",
    "fr": r"a écrit|écrit|écrivait",
    "es": r"escribió|escribio|ha escrito",
    "it": r"ha scritto|scrisse|scrive",
    "nl": r"schreef|geschreven|schrijft",
    "sv, no, da": r"skrev|skriver",
    "pl": r"napisał|napisała|napisał\(a\)|napisał/a|napisali|napisana przez|napisany przez|nadesłał|nadesłała|pisze",
    "ru": r"написал|написала|написал\(а\)|написали|пишет|писал|писала|сообщил",
    "uk": r"написав|написала|написав\(ла\)|написав\(-ла\)|пише|писав|писала",
    "pt, gl": r"escreveu|escribiu",
    "ca": r"ha escrit|va escriure",
    "fi": r"kirjoitti",
    "et, lv, lt": r"kirjutas|rakstīja|rašė|parašė",
    "cs, sk": r"napsal|napsala|napsal\(a\)|napísal|napísala|napísal\(a\)|píše",
    "hu": r"írta|írt",
    "ro": r"a scris",
    "el": r"έγραψε|έγραψαν",
    "bg, mk": r"написа|напиша",
    "hr, sr, sl": r"napisao je|je napisao|napisala je|je napisala|napisao/la je|piše|је написао|је написала|je pisal",
    "he": r"כתב|כתבה|כתב/ה",
    "ar, fa": r"كتب|كتبت|نوشت",
    "zh": r"写道|寫道|写到|写",
    "ja": r"書きました|のメッセージ|のメール",
    "ko": r"작성|작성했습니다|썼습니다|님이 작성",
    "vi, id": r"đã viết|menulis",
}

THEIRS: Final = (
    r"(?:kurye|kargocu|satıcı|mağaza|teknisyen|usta|servis|sürücü|şoför|temsilci|çalışan|personel|uygulama|site|müdür|"
    r"arkadaş)(?:n?[ıiuü]z)|(?-i:[Ss]istem|[Ee]kranda|[Ee]kran)(?-i: [a-zçğıöşü\d]\w*)|(?-i:sistem)|"
    r"(?:kayıt|kaydı|talep|sipariş) aç(?:tım|tık)|ettim|ettik|aldım|aldık|"
    r"(?-i:your|[Yy]our [a-z]\w*|[Tt]he (?:courier|driver|screen|system|app|seller|display|technician))|"
    r"(?-i:[Ii]hre? (?:Fahrer|Kurier|Techniker|Mitarbeiter|System)\w*|[Vv]otre [a-z]\w*|vostro)"
)
"""What a line above a quotation never names where no address stands in brackets: the reader's people and machines."""

LEADS: Final = (
    r"on|am|um|le|el|il|op|den|dne|dňa|dnia|w dniu|em|no dia|a|pe|în|στις|на|в|у|в|il giorno|ven|kl|tarih|"
    r"aan|à|el día|dia|fecha|data|datum|date|dato|în data de|u|dana|בתאריך|ב|في|在|於|ngày|vào|pada"
)
"""First words of a line above a quotation."""

SENDERS: Final = {
    "tr": r"kimden|gönderen",
    "en": r"from",
    "de": r"von|absender",
    "fr, es, pt": r"de|expéditeur|remitente|remetente",
    "it": r"da|mittente",
    "nl": r"van|afzender",
    "sv": r"från|avsändare",
    "no, da": r"fra|afsender|avsender",
    "pl, cs, sk, hr": r"od|nadawca|odesílatel|odosielateľ",
    "ru": r"от|от кого|отправитель",
    "uk": r"від|від кого|від кого:|відправник",
    "fi": r"lähettäjä",
    "hu": r"feladó|küldő",
    "ro": r"de la|expeditor",
    "el": r"από",
    "bg, sr": r"от|од|šalje",
    "he, ar": r"מאת|من",
    "zh, ja, ko": r"发件人|寄件者|寄件人|差出人|送信者|보낸 사람|보낸사람",
}
PARCEL: Final = (
    r"gönderen|absender|expéditeur|remitente|remetente|mittente|afzender|avsändare|afsender|avsender|nadawca"
)
"""Senders of parcels as well: people write such forms themselves, and then without an address."""

DATES: Final = {
    "tr": r"gönderilme|gönderilme tarihi|gönderme tarihi|gönderildi|gönderim tarihi|tarih|giden",
    "en": r"sent|date",
    "de": r"gesendet|gesendet am|datum",
    "fr": r"envoyé|envoyé le|date|date d'envoi",
    "es": r"enviado|enviado el|enviada|fecha",
    "it": r"inviato|inviata|data",
    "nl": r"verzonden|datum",
    "sv": r"skickat|datum",
    "no, da": r"sendt|dato",
    "pl": r"wysłano|wysłane|wysłana|data",
    "ru": r"отправлено|дата|послано",
    "uk": r"надіслано|відправлено|дата",
    "pt": r"enviado|enviada|enviado em|enviada em|enviado a|data",
    "fi": r"lähetetty|päivämäärä|päiväys",
    "cs, sk": r"odesláno|odoslané|datum|dátum",
    "hu": r"elküldve|küldve|dátum",
    "ro": r"trimis|data",
    "el": r"στάλθηκε|ημερομηνία",
    "bg, sr, hr": r"изпратено|дата|послато|poslano|poslato",
    "he, ar": r"נשלח|תאריך|تاريخ|التاريخ",
    "zh, ja, ko": r"发送时间|寄件日期|日期|送信日時|日時|日付|보낸 날짜|날짜",
}

SUBJECTS: Final = (
    r"konu|subject|betreff|objet|sujet|asunto|oggetto|onderwerp|ämne|emne|temat|тема|предмет|assunto|aihe|předmět|"
    r"predmet|tárgy|subiect|θέμα|относно|נושא|الموضوع|主题|主題|主旨|件名|제목"
)

OTHERS: Final = (
    r"kime|alıcı|bilgi|gizli|önem|ekler|yanıt adresi|yanıtla|kopya|"
    r"to|cc|bcc|reply-to|reply to|organization|importance|attachments|priority|"
    r"an|kopie|antwort an|antworten an|wichtigkeit|anlagen|à|a|copie|répondre à|pièces jointes|importance|"
    r"para|responder a|datos adjuntos|importancia|rispondi a|risposta|allegati|priorità|aan|antwoord aan|"
    r"till|kopia|svara till|til|kopi|svar til|do|dw|udw|odpowiedz do|komu|kopie|кому|копия|копія|до|cópia|"
    r"responder para|"
    r"vastaanottaja|kopio|címzett|másolat|către|προς|κοιν|до|копие|за|prima|za|אל|עותק|إلى|نسخة|"
    r"收件人|收件者|抄送|副本|宛先|받는 사람|받는사람|참조"
)

FORMS: Final = (
    r"e-?posta|eposta|e-?mail|mail|tel|telefon|cep|gsm|phone|mobile|ad|adı|soyad|soyadı|isim|ad soyad|adı soyadı|"
    r"name|surname|ünvan|unvan|adres|address|sipariş|order|ürün|product|seri|model|marka|cihaz|fatura|iban|adet|"
    r"miktar|saat|müşteri|kargo|takip|telefonnummer|adresse|kunde|kundennummer|nom|téléphone|nome|telefono|imię|"
    r"nazwisko|имя|телефон"
)
"""Labels of what people list themselves; no header of a mail has them."""

ORIGINAL: Final = (
    r"original message|original appointment|original e-?mail|reply message|özgün ileti|özgün e-?posta|orijinal mesaj|"
    r"orijinal ileti|orijinal e-?posta|orjinal mesaj|orjinal ileti|asıl ileti|asıl mesaj|yanıtlanan ileti|"
    r"ursprüngliche nachricht|originalnachricht|original-nachricht|ursprüngliche e-?mail|ursprüngliche mail|"
    r"message d['’]origine|message original|message initial|courriel original|mensaje original|mensaje de origen|"
    r"messaggio originale|messaggio di origine|oorspronkelijk bericht|oorspronkelijke bericht|origineel bericht|"
    r"ursprungligt meddelande|originalmeddelande|opprinnelig melding|original melding|oprindelig meddelelse|"
    r"original besked|oprindelig besked|wiadomość oryginalna|oryginalna wiadomość|wiadomość źródłowa|"
    r"исходное сообщение|"
    r"исходное письмо|оригинальное сообщение|початкове повідомлення|оригінальне повідомлення|вихідне повідомлення|"
    r"mensagem original|alkuperäinen viesti|původní zpráva|původní e-?mail|pôvodná správa|eredeti üzenet|"
    r"mesaj original|mesajul original|αρχικό μήνυμα|оригинално съобщение|izvorna poruka|originalna poruka|"
    r"originaalsõnum|algne sõnum|sākotnējā ziņa|originalus laiškas|הודעה מקורית|الرسالة الأصلية|原始邮件|原始郵件|"
    r"元のメッセージ|원본 메시지|원본 메일"
)

FORWARDED: Final = (
    r"forwarded message|forwarded e-?mail|forwarded by [^\n-]{1,60}|iletilen ileti|iletilen mesaj|iletilen e-?posta|"
    r"yönlendirilen ileti|yönlendirilen mesaj|yönlendirilen e-?posta|yönlendirilmiş ileti|yönlendirilmiş mesaj|"
    r"iletilmiş mesaj|iletilmiş ileti|weitergeleitete nachricht|weitergeleitete e-?mail|message transféré|"
    r"courriel transféré|message réexpédié|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|"
    r"vidarebefordrat meddelande|videresendt melding|videresendt meddelelse|videresendt besked|przekazana wiadomość|"
    r"wiadomość przekazana|пересланное сообщение|пересылаемое сообщение|перенаправленное сообщение|"
    r"переслане повідомлення|переадресоване повідомлення|mensagem encaminhada|mensagem reencaminhada|"
    r"välitetty viesti|edelleenlähetetty viesti|přeposlaná zpráva|preposlaná správa|továbbított üzenet|"
    r"mesaj redirecționat|mesaj retransmis|προωθημένο μήνυμα|препратено съобщение|proslijeđena poruka|"
    r"הודעה שהועברה|رسالة معاد توجيهها|转发的邮件|轉寄的郵件|転送されたメッセージ|전달된 메시지"
)

BEGINS_FORWARDED: Final = (
    r"begin forwarded message|(?:iletilen|yönlendirilen) (?:ileti|mesaj|e-?posta)(?:nin)? (?:başlangıcı|başı)|"
    r"anfang der weitergeleiteten (?:nachricht|e-?mail)|début du message (?:transféré|réexpédié)|"
    r"inicio del mensaje reenviado|inizio (?:del )?messaggio inoltrato|begin doorgestuurd bericht|"
    r"vidarebefordrat brev|videresendt (?:melding|besked)|start på videresendt (?:besked|meddelelse)|"
    r"początek przekazywanej wiadomości|начало (?:переадресованного|пересылаемого) сообщения|"
    r"початок (?:листа, що пересилається|переадресованого (?:листа|повідомлення))|"
    r"início da mensagem (?:re)?encaminhada|välitetty viesti alkaa|začátek přeposílané zprávy|"
    r"továbbított üzenet kezdete"
)
"""As Apple's programs write it, with a colon at the end."""
