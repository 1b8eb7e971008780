"""Common words and endings of languages, folded: what `language.py` knows a text by."""

from collections.abc import Mapping


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


WORDS: Mapping[str, frozenset[str]] = {
    "tr": _set("""
        abi abla acaba acil adam adama adami adet aksam alamadim aldim alo ama amk ancak anne annem arada aradim
        ariyorum arkadas arkadaslar artik asiri asla avantaj ay ayda ayip ayni ayri baba babam bak bakin bana
        bari basina basla bayagi bazi bedava bekliyorum belki ben bence beni benim beri bi bile bilgi bilmiyorum
        bir birakin biri birsey bitmis bitti biz bize bizi bizim borc bosuna boyle bozuk bozuldu bu bugun
        bugunku bulunan buna bunu bunun burada butun cagri calismiyor canim cebe ceker cekiyor cekmiyor cihaz
        cocuk cok cozum cunku da daha dahi dahil de degil degilim demek destek devam diger dikkat diye
        dolandirici dolayi dun duzgun eder edilsin edin ediyor ediyorum eksik elveda en etti ettiler ettim fakat
        falan fatura faturam faturami fiyat fiyati gb gece gecen gel geldi geliyor gelmedi gelmiyor gerek geri
        gibi girince girmis gonder gonderdi gore gun gunaydin gunu guzel haber hafta haftadir hakkimi hala hangi
        hani hat hatta hattim hattimi hayat hazir hediye hem hemen hep her herkes hesabim hesabimi hesap hic
        hicbir hizi hizmet hizmeti iade iadesi ici icin ile ileti iletisim ilgili insan internetim iptal ise
        islem iste istemiyor istemiyorum isterim istiyorum iyi iyilik kac kadar kalan kaldim kampanya kapali
        kardes kargo kargom karsi kart kartim kartimi kendi kendimi kendini kez ki kim kimse kirik konu konusma
        kotu kullaniyorum kurban lan lazim lutfen madem magaza magdur memnun memnuniyet memnunum merhaba mesaj
        mi midir misiniz mu mudur musteri musunuz nasil ne neden nerde nerede nereye neyse niye numara numaram o
        odedim odeme olacak olan olarak oldu oldugu oldum olmak olmaz olmus olmuyor olsun olur oluyor ona once
        onu onun oysa pahali paket paketi paketim para param parami pek peki rezalet rica saat sabah sacma
        sadece sahibi sahip salak sana sanki selam sen seni senin seri sifre sifremi sikayet sikinti sinir
        siparis siparisim siparisimi siz size sizi sizin son sonra sorun sorunu su sube sudan sunu super sure
        surekli tam tane taraf tarafindan tarife tekrar telefon temsilci tesekkur tesekkurler turk ucret ucreti
        ucuz ulan urun urunu uzere vallahi var ve verdi verin veriyor veya ya yani yanlis yapin yapiyor yapti
        yaptim yardim yardimci yatti yazdim yazik yeni yerde yere yil yilda yine yok yoksa yuksek yuzden
        yuzunden zaman zaten zorunda
    """),
    "en": _set("""
        a about after again all already also am an and any are as asked at back be because been before being
        broken but by call can cancel cannot could customer damaged day days delivery did didn do does doesn
        doing don for from get getting give go got had has have haven he hello help her here hi him his how i if
        in into is isn it its just know late let like ll long m make many may me missing money more most much my
        need never new no not now of off on once one only or order other our out over package parcel payment
        please re refund s she should so some still t take tell than thank thanks that the their them then there
        these they thing this those time to today too up us use ve very want was wasn way we week weeks well
        were what when where which who why will with won working would wrong yes you your
    """),
    "de": _set("""
        aber als am an auch auf aus bei bestellung bin bis bitte danke das dass dem den der des die dieser
        dieses doch ein eine einem einen einer er es euch euer fur geld guten habe haben hallo hat ich ihr ihre
        im in ist ja kann kein keine mehr mein meine meinen mich mir mit nach nicht noch nur oder paket rechnung
        schon sehr seit sich sie sind und uns unser von vor wann war warum wie wir wird wo wurde zu zum zur
    """),
    "fr": _set("""
        a ai alors au aux avec avez bonjour ca ce cela ces cette colis commande comme dans de depuis des du elle
        en est et etait ete facture il ils j jai jamais je l la le les leur livraison ma mais merci mes moi mon
        n ne nous on ont ou par pas plus pour pourquoi qu quand que qui recu rien s sa sans se ses si son sont
        suis sur toujours tout tres un une vos votre vous
    """),
    "es": _set("""
        al aun buenos como con cuando de del desde dinero donde el ella en era es esta estan este esto estoy
        factura fue gracias ha hace han hasta hay he hola la las le les llegado lo los mas me mi mis muy nada ni
        no nos nunca para pedido pero por porque que quiero se ser si sin sobre son su sus tengo todavia todo un
        una usted y ya
    """),
    "it": _set("""
        al alla anche ancora arrivato buongiorno che ci ciao come con cosa da dal dalla dei del della delle di
        dopo dove e fattura gli grazie ha hanno ho i il in io la le lo ma mai mi mia mio nel nella non nostro o
        ordine pacco per perche piu quando quanto quello questa questo soldi sono stato su tutto un una vorrei
    """),
    "pt": _set("""
        a ainda ao as bom chegou com como da das de dia dinheiro do dos e ela ele em encomenda essa esta este
        estou eu fatura foi ha isso ja mais mas me meu minha muito na nao nas nem no nos nunca o obrigado onde
        os ou para pedido pela pelo por porque quando que quero se sem ser seu sobre tem tenho um uma voces
    """),
    "nl": _set("""
        aan al alles als bestelling bij dat de deze die dit een en er geen geld goedemorgen had heb hebben heeft
        het hoe hun ik is ja je jullie kan maar me meer met mij mijn na naar niet nog nu of om onze ook op over
        pakket rekening te tot uit van veel voor waar waarom wanneer was wat we wel wij wil worden zijn zo
        zonder
    """),
    "pl": _set("""
        ale bardzo bez bo by byc byl byla co czy dla dlaczego do dobry dziekuje dzien faktura gdzie i ich ja jak
        jest jestem juz kiedy ktory ma mam mi mnie moja moje na nic nie o od oraz paczka pieniadze po pod prosze
        przez przy sa sie tak ten to tylko w wszystko z za zamowienie ze
    """),
    "az": _set("""
        amma bele bir bizim cox daha deyil dunen edir edirem ele etmek gore hec idi indi islemir isleyir kimi
        mene meni menim nece niye olan olmur olub sabah salam sifaris sizin ucun var ve xahis xidmet yoxdur
    """),
}
"""Words by language; a word may be in several. All but `tr` and `en` are counted as other."""

TURKISH_ENDINGS = tuple(
    sorted(
        _set("""
    acagim acak arak casi ci cu dan den digi digim dik dim diniz dir dugu duk dum dunuz dur ecegim ecek erek ildi
    imde imi imiz ince inda inde indi ini iyor iyordu iyorlar iyorsunuz iyorum iyoruz ken lar larda lari larin ler
    lerde leri lerin lik lisi luk madi mak malari mali masi maya maz medi mek meleri meli mesi meye mez mis misti
    miyor mus muyor nin niz nun nuz sin sinda sinde sini siniz siz sunu sunuz suz tan ten tigi tik tim tir tum tur
    uldu umu umuz unca undu unu uyor uyordu uyorum ydi ydu yla yle
""")
    )
)
"""Of verbs and nouns, looked for at the end of words of five letters or more."""

ENGLISH_ENDINGS = tuple(sorted(_set("ally able ible ed ful ght ing ings ly ment ments ness ough ould tion tions")))

TURKISH_SUFFIXES = _set("""
    a da dan de den e i in la le lar ler li lik lu luk na nde ndan ne ni nin nu nun si siz su suz ta tan te ten u un
    ya yda yi yla yle yu ye
""")
"""What follows the apostrophe of a name (`Vefa'dan`)."""

ENGLISH_CONTRACTIONS = _set("d ll m re s t ve")

WIDELY_WRITTEN = tuple(
    sorted(_set("ar az bg cs da de el en es fa fi fr he hr hu id it ja ko nl no pl pt ro ru sq sv tr uk zh"))
)
"""Languages that py3langid may name; of all 140 it takes short English for Pidgin and Turkish in ASCII for Kabyle."""
