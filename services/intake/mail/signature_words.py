"""Words by which a signature, a footer, and a person's own concern are told apart: data for ``signatures``.

Each is a part of a regular expression, in small letters. Languages stand in the order Turkish, English, German, French,
Spanish, Italian, Dutch, Swedish, Norwegian and Danish, Polish, Russian, Ukrainian, Portuguese."""

from typing import Final

CLOSINGS: Final = (
    r"(?:en )?(?:derin )?saygı(?:lar)?(?:ım|ımız)?(?:la)?|saygılar sunar(?:ım|ız)|saygıyla|"
    r"iyi çalışmalar(?: dileri[mz]| dilerim)?|"
    r"iyi günler(?: dileri[mz])?|iyi akşamlar|kolay gelsin|sevgiler(?:imle)?|sevgi ve saygılarım(?:ız)?la|selamlar|"
    r"selamlarımla|hoşça kalın|(?:with )?(?:my |our )?(?:very )?(?:best|kind|kindest|warm|warmest) (?:regards|wishes)|"
    r"regards|kind regards|rgds|br|sincerely|sincerely yours|yours|yours (?:sincerely|faithfully|truly)|respectfully|"
    r"cheers|mit (?:freundlichen?|besten?|herzlichen?|lieben?|vielen?) grü(?:ß|ss)en?|mit freundlichem gruß|"
    r"(?:freundliche|viele|beste|liebe|herzliche|schöne) grü(?:ß|ss)e|mfg|lg|hochachtungsvoll|"
    r"(?:bien )?cordialement|(?:bien )?à vous|bien à toi|salutations(?: distinguées)?|meilleures salutations|"
    r"sincères salutations|(?:un )?(?:cordial )?saludos?|(?:un )?saludo cordial|saludos cordiales|atentamente|"
    r"(?:le saluda|les saluda) atentamente|cordiali saluti|distinti saluti|cordialmente|(?:un )?(?:caro )?salut[oi]|"
    r"met vriendelijke groet(?:en)?|vriendelijke groet(?:en)?|groet(?:en|jes)?|mvg|hoogachtend|"
    r"med vänliga? hälsning(?:ar)?|vänliga? hälsning(?:ar)?|hälsningar|mvh|med vennlig hilsen|vennlig hilsen|"
    r"med venlig hilsen|venlig hilsen|hilsen|de bedste hilsner|vh|z poważaniem|z wyrazami szacunku|pozdrawiam|"
    r"serdecznie pozdrawiam|pozdrowienia|с уважением|с наилучшими пожеланиями|всего доброго|з повагою|"
    r"з найкращими побажаннями|atenciosamente|cumprimentos|(?:com os )?(?:meus |nossos )?melhores cumprimentos|"
    r"att|abraços?|"
    r"ystävällisin terveisin|s pozdravem|s úctou|s pozdravom|üdvözlettel|tisztelettel|cu stimă|με εκτίμηση|"
    r"lep pozdrav|srdačan pozdrav|поздрави"
)

GREETINGS: Final = (
    r"iyi çalışmalar(?: dileri[mz])?|iyi günler(?: dileri[mz])?|iyi akşamlar|kolay gelsin|selamlar|hoşça kalın|cheers|"
    r"saludos|un saludo|salut[oi]?|hilsen|hej|pozdrawiam|поздрави"
)
"""Closings that open a mail as well."""

PREDICATES: Final = (
    r"(?:var|yok|değil|lazım|gerek|gerekli|şart|bozuk|kırık|eksik|arızalı|acil|bitti|bitmedi|olmadı|çıktı|yanıyor|"
    r"gelmedi|çalışmıyor|ederi[mz]|istiyoru[mz]|\w{2}(?:[mt]ad[ıi]|med[ıi]|m[ıiuü]yor|[ıiuü]yor)(?:lar|uz|um)?)"
    r"[.!]{0,3}$"
)
"""How a line below a name ends that says what is, not who somebody is."""

BELOW: Final = (
    r"aşağı\w{0,8}(?: [\w.]{1,20}){0,3} (?:adres|numara|telefon|iletişim|irtibat|gsm|hesab|hesap)|"
    r"(?:adres|numara|telefon|iletişim|irtibat|gsm|hesap|hesab)\w{0,10}(?: [\w.]{1,20}){0,3} (?:aşağı|imzam)|"
    r"imzam(?:da|ın altında)|(?:address|number|phone|details)\w{0,3}(?: \w{1,12}){0,2} (?:below|in my signature)|"
    r"below (?:\w{1,12} ){0,2}(?:address|number|phone|contact)|(?:adresse|nummer|anschrift) (?:unten|in der signatur)|"
    r"unten(?:stehende\w?)? (?:adresse|nummer|anschrift)|(?:adresse|numéro) ci-dessous|indirizzo (?:qui )?sotto|"
    r"(?:adres|numer) poniżej|poniższy (?:adres|numer)|адрес ниже"
)
"""What says that the lines of a signature are what is asked for."""

THANKS: Final = (
    r"(?:çok )?teşekkür(?:ler|ederim|ederiz| ederim| ederiz| ediyorum)|şimdiden teşekkürler|sağ ?olun|tşk|tşkler|"
    r"thanks|thank you|many thanks|thanks a lot|thanks in advance|thanks (?:and|&) (?:best |kind )?regards|"
    r"danke|vielen dank|besten dank|merci|merci d['’]avance|gracias|muchas gracias|grazie|grazie mille|"
    r"bedankt|dank u|tack|takk|tak|på forhånd tak|dziękuję|z góry dziękuję|спасибо|дякую|obrigad[oa]|kiitos|"
    r"děkuji|köszönöm"
)

MINE: Final = (
    r"\b(?:ben|bana|beni|benim|bende|benden|biz|bize|bizim|bizi|rızam|onayım|iznim|haberim|avukatım\w*|"
    r"verilerim\w*|bilgilerim\w*|numaram\w*|adresim\w*|hesabım\w*|siparişim\w*|param\b|paramı\w*|kargom\w*|"
    r"ürünüm\w*)\b|"
    r"\w{2}(?:yorum|yoruz|cağım|ceğim|cağız|ceğiz|malıyım|meliyim|mışım|mişim|muşum|müşüm)\b|"
    r"\w{2}(?:dım|dim|dum|düm|tım|tim|tum|tüm|dık|dik|duk|dük|tık|tik|arım|erim|mam|mem|ırım|irim|urum|ürüm|ımı|imi)\b|"
    r"\b(?:i|i['’](?:m|ve|d|ll)|my|mine|we['’](?:d|ve|ll)|ich|mein|meine[nmrs]?|mir|je|j['’]\w+|mon|mes|yo|quiero|"
    r"necesito|solicito|"
    r"vorrei|voglio|chiedo|ik|mijn|jag|jeg|chcę|proszę o|mój|moje|moja|moich|mnie|я|мне|мой|моя|мои|моих|прошу|"
    r"хочу|мені|"
    r"мій|моїх|eu|meu|minha|meus|quero|gostaria)\b"
)
"""What only a person says of themselves; footers speak of 'you' and 'this e-mail'."""

SAID: Final = (
    r"\w{2}(?:yorum|yoruz|yor|cağım|ceğim|medi|madı|mıyor|miyor|lütfen)\b|\b(?:lütfen|acil|please|urgent|bitte|asap)\b"
)
"""What makes a short line a sentence and not a name."""

CONCERNS: Final = (
    r"\b(?:sipariş|siparis|kargo|ürün|urun|fatura|iade|para|ücret|paket|koli|teslimat|arıza|bozuk|kırık|eksik|"
    r"yanlış|geldi|gelmedi|"
    r"order|refund|parcel|invoice|broken|missing|delivery|bestellung|rechnung|lieferung|commande|colis|facture|pedido|"
    r"ordine|fattura|bestelling|ordre|zamówienie|заказ|замовлення|encomenda)\w{0,6}\b"
)

POSTSCRIPT: Final = r"(?:p\.?\s?p?\.?s|not|n\.?b|önemli not|dipnot|hinweis|note)\b\.?\s?[:.\-]|p\.?s\.?\b"

TITLES: Final = (
    r"(?:genel |bölge |satış |yardımcısı |mağaza )?müdür\w{0,8}|uzman\w{0,6}|yönetmen\w{0,5}|yönetici\w{0,5}|"
    r"direktör\w{0,5}|"
    r"koordinatör\w{0,5}|sorumlu\w{0,5}|mühendis\w{0,5}|asistan\w{0,4}|başkan\w{0,5}|şefi?|avukat\w{0,4}|"
    r"muhasebe\w{0,4}|satın alma|"
    r"pazarlama|departman\w{0,4}|birimi|temsilci\w{0,4}|danışman\w{0,5}|kurucu|ortağı|mimar|öğretim|doktor|"
    r"müşteri hizmetleri|"
    r"insan kaynakları|bilgi işlem|hukuk|manager|director|engineer|officer|assistant|head of|team lead|ceo|cto|cfo|coo|"
    r"coordinator|specialist|consultant|purchasing|procurement|sales|marketing|customer (?:service|support|success)|"
    r"accountant|founder|partner|president|secretary|developer|analyst|community|leiter(?:in)?|"
    r"geschäftsführer(?:in)?|vertrieb|"
    r"einkauf|buchhaltung|directeur|directrice|responsable|gérant|achats|gerente|directora?|compras|responsabile|"
    r"direttore|"
    r"ufficio|inkoper|verkoop|chef|inköp|leder|sjef|kierownik|dyrektor|specjalista|dział|менеджер|директор|отдел|"
    r"керівник|diretora?"
)

COMPANIES: Final = (
    r"a\.?\s?ş|ltd|şti|san\.|tic\.|holding|grup|group|gmbh|ag|kg|ug|inc|llc|corp|plc|sarl|sas|s\.a|s\.l|s\.r\.l|"
    r"srl|spa|s\.p\.a|"
    r"b\.?v|n\.v|ab|as|aps|oy|sp\. z o\.o|ооо|тов|lda|limited|şirketi|otel(?:i)?|hotel|üniversitesi|belediyesi|bankası"
)

STREETS: Final = (
    r"cad(?:desi)?|cd|sok(?:ak|ağı)?|sk|mah(?:allesi)?|mh|bulv(?:arı)?|blv|apt|plaza|osb|böl(?:gesi)?|street|st|"
    r"road|rd|"
    r"avenue|ave|suite|floor|rue|boulevard|bd|calle|avda|via|viale|piazza|straat|laan|weg|gatan|gata|vägen|veien|vej|"
    r"ulica|ul|ул|вул|rua|avenida|platz|allee"
)

CONTACTS: Final = (
    r"t[ée]l|tlf|tfn|telefon|telefone|téléphone|teléfono|telefoon|telephone|t|m|p|f|e|w|a|h|mob|mobil|mobile|"
    r"móvil|gsm|cep|cell|phone|ph|"
    r"office|fax|faks|dahili|ext|direct|direkt|mail|e-?mail|e-?posta|eposta|email address|web|website|www|"
    r"internet|whatsapp|"
    r"skype|linkedin|instagram|facebook|twitter|x|youtube|telegram|adres|adresse|address|adress|dirección|"
    r"indirizzo|merkez|"
    r"şube|kep|kep adresi|тел|моб"
)

DEVICES: Final = (
    r"i ?phone|ipad|ipod|android|galaxy|samsung|huawei|honor|xiaomi|redmi|oppo|realme|poco|black ?berry|nokia|"
    r"lumia|htc|motorola|"
    r"pixel|oneplus|sony xperia|outlook|mailbox|airmail|spark|sparrow|superhuman|edison|em client|(?:yahoo|"
    r"windows|proton|aol|apple|blue|k-9|mynet|"
    r"yandex|gmx|"
    r"mail\.ru|web\.de|orange|free)[ .]?(?:mail|e-?posta|posta|app|uygulaması)?|gmail|hotmail|thunderbird|mobile|mobil|"
    r"smart ?phone|handy|tablet|phone|(?:mail|posta|courrier|correo) (?:for|pour|für|para|per|voor|için) \w+|pc|mac"
)

SENT: Final = (
    r"sent|written|composed|gesendet|envoyé|enviad[oa]|inviat[oa]|verzonden|verstuurd|skickat|sendt|wysłan[eoay]|"
    r"wysłano|"
    r"отправлено|послано|надіслано|відправлено|odesláno|odoslané|odoslano|trimis|lähetetty|στάλθηκε|poslano|изпратено"
)
FROM: Final = (
    r"from|via|with|using|by|von|mit|über|aus|depuis|à partir de|de|par|avec|desde|con|da|dal|dalla|vanaf|met|från|fra|"
    r"z|ze|s|с|со|из|з|із|pelo|pela|do|com|de pe|από το|ot|от"
)
MY: Final = r"my|a|mein(?:em|er)?|mon|ma|mi|mio|mia|il mio|mijn|min|mit|mojego|mojej|моего|мого|meu|minha|mého|môjho|το"

NOT_SENT: Final = (
    r"\b(?:office|account|bank|address|shop|store|house|home|warehouse|courier|monday|tuesday|wednesday|thursday|"
    r"friday|"
    r"order)\b"
)
"""What makes 'sent from my ...' a sentence about something else."""

SENT_BY_DEVICE: Final = (
    r"(?:bu (?:e-?posta|ileti|mesaj) )?(?:[\w.+]+ ){0,3}(?:i ?phone|ipad|galaxy|samsung|android|huawei|xiaomi|"
    r"redmi|oppo|honor|realme|blackberry|yahoo|outlook|yandex|mynet|gmail|hotmail|windows|k-9|turkcell|vodafone|"
    r"türk telekom)(?:\S{0,12}(?: [\w.'’]+){0,4} (?:(?:akıllı|cep) ?)?(?:telefon|cihaz|tablet|bilgisayar|uygulama|"
    r"posta|e-?posta|mail|mobil|outlook|gmail))?(?:[\w'’]{0,8}[dt][ae]n|(?: \w+){0,3}['’]\w{0,4}m[dt][ae]n|"
    r" ?[\w'’]{0,8} (?:ile|üzerinden|aracılığıyla|"
    r"tarafından|kullanılarak)) gönderil(?:di|miştir)(?:[.:].{0,60})?|"
    r"(?:akıllı |cep |mobil )*(?:telefonumdan|cihazımdan|tabletimden|bilgisayarımdan|cebimden) gönderil(?:di|"
    r"miştir)\.?|"
    r"via (?:my )?(?:mobile|phone|i ?phone|ipad|android|blackberry)|"
    r".{0,30} için (?:outlook|gmail|posta|yahoo mail)\S{0,10} (?:uygulamasını )?(?:edinin|indirin).{0,40}|"
    r"(?:get|download|holen sie sich|laden sie|obtenir|obtenez|télécharger|téléchargez|obtener|obtenga|descargar|"
    r"ottieni|"
    r"scarica|hämta|hent|få|pobierz|скачать|получить|завантажити|obter|obtenha|baixar|hanki|"
    r"získejte)\b.{0,15}outlook.{0,40}|"
    r"outlook (?:voor|for|für|pour|para|per) \w+.{0,20}|"
    r"von meinem .{1,40} (?:gesendet|verschickt)\.?|diese (?:nachricht|e-?mail|mail) wurde (?:von|"
    r"mit) .{1,80} gesendet\.?|"
    r"(?:從|从)我的.{1,20}(?:傳送|发送|發送|寄出)|发自我的.{1,30}|(?:.{1,15}から送信)|(?:나의|내) .{1,20}에서 보냄|"
    r".{1,20}(?:-omról|-emről|-ról|-ről) küldve|provenance : courrier pour windows.{0,10}|"
    r"virus-free\.?.{0,40}|virüs bulunmuyor\.?.{0,40}|.{0,60}(?:avast antivirus|avg antivirus).{0,80}"
)

FOOTERS: Final = (
    # a notice that says that it is one
    (
        r"(?:yasal |önemli )?uyarı ?[:!]|gizlilik (?:bildirimi|notu|uyarısı)|yasal (?:uyarı|bilgilendirme)|"
        r"sorumluluk reddi|"
        r"disclaimer|confidentiality(?: notice| note)?|privacy notice|legal notice|"
        r"(?:wichtiger )?hinweis ?:|aviso (?:legal|de confidencial)|avvertenza|avis de confidentialité",
        r"gizli|kişiye özel|alıcısı|yetkisiz|yanlışlıkla|virüs|e-?posta|e-?mail|message|intended|recipient|"
        r"confidential|"
        r"nachricht|mensaje|messaggio|courriel|mensagem|bericht",
    ),
    # what it says of this mail
    (
        r"(?:işbu|bu) (?:e-?posta|e-?mail|elektronik posta|ileti|mesaj)(?:nın|nin|ın|in|daki|deki)?\b|"
        r"this (?:e-?mail|message|communication|transmission)\b|if you (?:are not|have received|received)\b|"
        r"the (?:information|contents?) (?:contained |transmitted )?(?:in|of) this|"
        r"diese (?:e-?mail|nachricht|mail)|der inhalt dieser|wenn sie nicht der|"
        r"ce (?:message|courriel|mail|courrier)\b|cet e-?mail|les informations contenues|"
        r"este (?:mensaje|correo|e-?mail)\b|la información contenida|questo (?:messaggio|e-?mail)|"
        r"questa (?:e-?mail|comunicazione)|le informazioni contenute|dit (?:e-?mail)?bericht|deze e-?mail|"
        r"de informatie (?:in|verzonden)|detta (?:e-?post)?meddelande|det här meddelandet|"
        r"denne (?:e-?post|e-?mail|mail|meldingen|melding|besked)|(?:niniejsza|ta) wiadomość|treść (?:tej|niniejszej)|"
        r"(?:это|данное|настоящее) (?:электронное |сообщение|письмо)|(?:це|дане) (?:електронне |повідомлення)|"
        r"esta (?:mensagem|comunicação)|tämä (?:viesti|sähköposti)|tato zpráva|tento e-?mail",
        r"gizlidir|gizli (?:bilgi|ve|olup|olabil)|kişiye özel|alıcısı|alıcıya|alıcı(?:lar)? (?:dışında|değil)|yetkisiz|"
        r"yanlışlıkla (?:siz|ald|ulaş|tarafınıza)|virüs|sorumlu(?:luk|lu[ğk]u)? (?:kabul|taşı|tutul)|"
        r"is (?:strictly )?confidential|are confidential|confidential (?:information|and)|privileged|"
        r"intended (?:only|solely|exclusively|recipient|addressee|for the (?:use|addressee|person|individual|"
        r"named|recipient))|"
        r"received (?:this|it) .{0,40}error|unauthori[sz]ed|viruses|liability|vertraulich|empfänger|irrtümlich|"
        r"unbefugt|"
        r"confidentiel|destinataire|par erreur|confidencial|destinatari|riservat|confidenzial|vertrouwelijk|"
        r"geadresseerde|"
        r"uitsluitend bestemd|konfidentiel|mottagare|fortrolig|mottaker|modtager|konfidensiel|poufn|adresat|"
        r"конфиденциальн|получател|адресат|конфіденційн|одержувач|luottamuksel|důvěrn",
    ),
    # what it says of paper
    (
        r"lütfen (?:bu )?(?:\w+ ){0,2}(?:çevre|doğa)|lütfen (?:bu e-?postayı|yazdırmadan)|(?:çevreyi|"
        r"doğayı) (?:düşün|koru)|"
        r"(?:bu e-?postayı )?yazdırmadan önce|(?:p )?(?:please )?(?:consider|think (?:of|about)) (?:the|"
        r"your) environment|"
        r"bitte (?:denken sie|prüfen sie)|denken sie an die umwelt|pensez à|avant d['’]imprimer|antes de imprimir|"
        r"prima di stampare|tänk på miljön|tenk på miljøet|denk aan het milieu",
        r"yazdır|çıktı|kâğıt|kağıt|print|ausdruck|imprim|stampa|umwelt|skriv ut|milieu",
    ),
    # what it says of the law, and where to read more
    (
        r"kişisel verileriniz|kişisel verilerin korunması|kvkk (?:kapsamında|uyarınca|aydınlatma)|6698 sayılı|"
        r"aydınlatma metni|we process (?:your )?personal data|your personal data|gdpr|kvkk|privacy|legal|hukuk|"
        r"informationen zum datenschutz|datenschutz|administratorem (?:pani|pana|państwa)|protección de datos",
        r"işlenmekte|işlenir|işlenebilir|işliyor|korunmakta|saklanmakta|ziyaret|tıkla|web site|inceley|@|"
        r"in accordance with|is processed|are processed|privacy policy|verarbeite|przetwarza|tratados",
    ),
)
"""How a footer begins, and what it goes on to speak of; both must be there. The law alone is no footer: 'This e-mail is
a GDPR request' is a concern."""

LEGAL: Final = (
    r"kvkk|gdpr|dsgvo|rgpd|gizli|yasal|avukat|mahkeme|hukuk|aydınlatma|mersis|ticaret sicil|tic\. ?sic|"
    r"vergi (?:dairesi|no)|"
    r"confidential|legal|privacy|disclaimer|registered|company (?:no|number|reg)|vat|hrb|amtsgericht|ust-?id|"
    r"siret|siren|rcs|"
    r"datenschutz|kvk|nip|regon|krs|p\.? ?iva|cif|nif|org\.? ?nr"
)
"""Of what a line below a signature may speak."""
