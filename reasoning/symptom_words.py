"""The words of symptoms in German, Spanish, French, Portuguese, Italian, Dutch, Polish, Turkish and Japanese.

Each is one regular expression over `plain_text.plain`, so it is written in small letters without accents (`ł` is `l`).
The words are those of the trouble itself; a guess at its cause (`is it your provider`, `did we reach a limit`) is no symptom.
"""

_NUMBER = (
    r"(?:\d+(?:[.,]\d+)?|zwei|drei|zehn|dos|tres|diez|deux|trois|dix|duas|dois|dez|due|tre|dieci|twee|drie|tien|dwie)"
)
_SHORT = (
    rf"{_NUMBER} ?(?:s|sek|sec|seg|sn|sekund\w*|segund\w*|secondes?|second[io]|seconden|min|minut\w*|minuten|minuti)"
)
"""How long a call takes: `12 sekunden`."""

SLOW = (
    r"(?:langsam|schleppend|lahm)\w*|antwortzeit\w*|ladezeit\w*|latenz\w*"
    r"|(?:dauer(?:t|n|te|ten)|brauch(?:t|en|te)|benotig(?:t|en)) (?:(?!nicht|seit|schon|bereits)\w+ ){0,4}?"
    rf"(?:lange|langer|ewig|ewigkeiten|zu lang|sekunden|minuten|{_SHORT})",
    r"lent[oa]s?|lentitud|lentamente|ralentiz\w+|latencia\w*|van? (?:muy |tan )?despacio|tiempos? de (?:respuesta"
    r"|carga)"
    r"|(?:tard(?:a|an|ando|aba|aban|o)|demor(?:a|an|ando)) (?:\w+ ){0,3}?"
    rf"(?:mucho|demasiado|mas|una eternidad|segundos|minutos|{_SHORT})",
    r"lente?s?|lenteurs?|lentement|ralenti\w*|latences?|rame(?:nt)?|traine(?:nt)?|temps de (?:reponse|chargement)"
    r"|(?:met|mettent|mettait|prend|prennent|prenait) (?:(?!depuis)\w+ ){0,3}?"
    rf"(?:longtemps|(?:trop|plus|beaucoup) de temps|une eternite|des secondes|des minutes|{_SHORT})",
    r"lentidao|devagar|tempos? de (?:resposta|carregamento)"
    r"|(?:demor(?:a|am|ando|ou|ava)|lev(?:a|am|ando|ou)) (?:\w+ ){0,3}?"
    rf"(?:muito|demais|demasiado|mais|uma eternidade|segundos|minutos|{_SHORT})",
    r"lent[ei]|lentezza|rallenta\w*|latenz[ae]|tempi? di (?:risposta|caricamento)"
    r"|(?:impiega\w*|ci mett\w+|richied\w+) (?:(?!da )\w+ ){0,3}?"
    rf"(?:molto|troppo|piu|un'eternita|una vita|secondi|minuti|{_SHORT})",
    r"traag|(?:te|erg|zeer|heel|zo) trage|trager|traagheid|langzaam|langzame|langzamer|(?:reactie|respons|laad"
    r"|antwoord)tijd\w*"
    r"|(?:duurt|duren|duurde|duurden|kost|kosten) (?:(?!niet|al|sinds)\w+ ){0,3}?"
    rf"(?:lang|langer|eeuwig|een eeuwigheid|seconden|minuten|{_SHORT})",
    r"(?<!nie )wolno|wolniej\w*|(?:jest|sa|bardzo|zbyt|za|strasznie|tak) woln[aey]|powoln\w+|spowoln\w+|spowalnia\w*"
    r"|zwolnil\w*"
    r"|czas\w* (?:odpowiedzi|ladowania)"
    r"|(?:trwa|trwaja|trwal[oay]|zajmuj\w+) (?:(?!nie|od|juz)\w+ ){0,3}?"
    rf"(?:dlugo|dluzej|wieki|wiecznosc|sekund\w*|minut\w*|{_SHORT})",
    r"yavas\w*|gec (?:yanit|cevap|donuyor|acil)\w*|(?:yanit|cevap|yukleme|yuklenme|acilma) (?:sure|gecik)\w*"
    r"|(?:uzun|cok|fazla) sur(?:uyor|mekte|dugu|er)\w*|(?:cok|uzun) (?:zaman|sure) al\w+"
    r"|(?:saniye|dakika)\w* (?:kadar )?(?:suruyor|surmekte|aliyor|bekl)\w*|kasiyor",
    r"(?<!返信が)(?<!返事が)(?<!連絡が)(?<!報告が)遅(?:い|く|すぎ|過ぎ|さ)|重(?:い|くな|くて|すぎ)|時間がかか|応答時間|レスポンスタイム|処理時間が|レイテンシ|もたつ|もっさり",
)
SYMPTOM_WORDS: dict[str, tuple[str, ...]] = {
    "rate-limited": (
        r"raten(?:begrenzung|limit)\w*|zu viele (?:anfragen|aufrufe|requests)|(?:anfrage|aufruf)(?:limit"
        r"|begrenzung)\w*"
        r"|gedrosselt\w*|drossel\w*",
        r"limites? de (?:peticiones|solicitudes|llamadas|tasa|velocidad|frecuencia)|demasiadas (?:peticiones"
        r"|solicitudes|llamadas)",
        r"limit(?:e|ation)s? (?:de |du )(?:debit|requetes|taux|frequence)|limites? d'appels|trop (?:de requetes"
        r"|d'appels)|bridez|bridage|sommes brides",
        r"limites? de (?:requisic\w+|taxa|chamadas|solicitac\w+)|(?:muitas|demasiadas|excesso de) (?:requisic\w+"
        r"|chamadas|solicitac\w+)",
        r"limit[ei] di (?:frequenza|richieste|chiamate|velocita)|troppe (?:richieste|chiamate)",
        r"te veel (?:verzoeken|aanroepen|aanvragen|requests)|(?:aanvraag|verzoek|snelheids)limiet\w*"
        r"|limiet per minuut",
        r"(?:zbyt wiele|za duzo|zbyt duzo) (?:zadan|zapytan|wywolan)|limit\w* (?:zadan|zapytan|wywolan|na minute)",
        r"cok fazla (?:istek|cagri)\w*|(?:istek|hiz|cagri|oran) (?:sinir|limit)\w*",
        r"レート(?:リミット|制限)|リクエスト(?:が多|数が多|過多|数の?(?:上限|制限))|(?:呼び出し|api)(?:回数)?(?:の)?制限|スロットリング",
    ),
    "quota-exceeded": (
        r"kontingent\w*|(?:monats|nutzungs)(?:limit|grenze)\w*",
        r"cuotas? (?:\w+ ){0,2}?(?:agotad|superad|excedid|consumid)\w+|(?:agot|super|exced|consum)\w+ (?:\w+ )?cuota"
        r"|limites? (?:mensual|de uso)\w*",
        r"limites? (?:mensuelle|d'utilisation)|forfait (?:\w+ )?(?:epuise|depasse)\w*",
        r"limites? (?:mensal|de uso)|(?:cota|franquia)s?",
        r"limit[ei] (?:mensil[ei]|di utilizzo|d'uso)",
        r"(?:maand|gebruiks)(?:limiet|tegoed|quotum)\w*|quotum",
        r"limit\w* (?:miesieczn\w+|uzycia)|miesieczn\w+ limit\w*|przydzial\w*",
        r"kota(?:m\w*|y\w*|s\w*|n\w*|d\w*|l\w*)?|(?:aylik|kullanim) (?:kullanim )?(?:limit|sinir)\w*",
        r"クォータ|クオータ|割り?当て(?:量|を超|が)|月間の?(?:上限|制限|利用)|利用(?:上限|枠)|使用量の?上限",
    ),
    "server-errors": (
        r"server-?fehler\w*|interne[rn]? (?:server-?)?fehler\w*"
        r"|(?:api|dienst|server|system)\w* (?:ist |sind |war )?(?:wieder )?(?:down|ausgefallen|offline"
        r"|nicht (?:erreichbar|verfugbar))",
        r"error(?:es)? (?:interno|del? servidor)\w*|servicio no disponible"
        r"|(?:api|servicio|servidor|sistema|plataforma)s? (?:\w+ )?(?:caid[oa]s?|no disponibles?|inaccesibles?)"
        r"|esta(?:n|is)? caid[oa]s?",
        r"erreurs? (?:internes?|(?:du )?serveurs?)|service indisponible"
        r"|(?:api|service|serveur|site|plateforme)s? (?:est |sont |semble )?(?:en panne|indisponible|inaccessible"
        r"|injoignable|hors service|down)\w*",
        r"erros? (?:internos?|d[eo] servidor)|(?:api|servico|servidor|sistema|plataforma)s? (?:\w+ )?(?:fora do ar"
        r"|caiu|cairam|indisponive\w+|instave\w+)",
        r"error[ei] (?:intern[oi]|(?:del |di )?server)|(?:api|servizio|server|sistema|piattaforma) (?:e |sono "
        r"|risulta )?"
        r"(?:giu|down|irraggiungibil\w+|non (?:raggiungibil|disponibil)\w+|fuori servizio)",
        r"server-?fout\w*|interne (?:server-?)?fout\w*|(?:api|dienst|server|systeem|platform) (?:is |ligt "
        r"|zijn )?(?:\w+ )?"
        r"(?:plat|eruit|down|onbereikbaar|niet (?:bereikbaar|beschikbaar)|uit de lucht)|liggen jullie (?:plat|eruit)",
        r"(?:blad|bled)\w* (?:wewnetrzn\w+|serwera)|wewnetrzn\w+ (?:blad|bled)\w*"
        r"|(?:api|uslug\w+|serwer\w*|system\w*) (?:\w+ )?(?:niedostepn\w+|lezy|padl\w*|nie (?:dziala|odpowiada)\w*)",
        r"sunucu hata\w+|dahili (?:sunucu )?hata\w*|ic sunucu hata\w*"
        r"|(?:api|servis|sunucu|sistem|hizmet)\w* (?:\w+ )?(?:coktu|cokmus|erisilemiyor|ulasilamiyor|kapali|down)\w*",
        r"サーバー?(?:内部)?エラー|内部エラー|(?:api|サービス|サーバー?|システム)(?:が|は)(?:落ち|ダウン|停止|止ま|利用でき(?:な|ま)|つながら|繋がら|接続でき(?:な|ま))",
    ),
    "timeouts": (
        r"zeituberschreitung\w*|zeitlimit (?:\w+ )?uberschritten|antwort(?:et|en) (?:\w+ )?(?:nicht|nie)|bleib(?:t"
        r"|en) hangen|hangt sich auf",
        r"tiempo (?:de espera )?(?:agotado|excedido|superado)|agota\w* el tiempo|no responden?|se quedan? colgad\w+",
        r"delais? (?:d'attente )?(?:depasse|expire)\w*|temps d'attente depasse|ne repond(?:ent)? (?:plus|pas)",
        r"tempo (?:limite |de espera )?(?:esgotado|excedido)|nao respondem?|ficam? travad\w+",
        r"tempo (?:scaduto|esaurito)|timeout|non rispond(?:e|ono)|si blocca(?:no)?",
        r"reage(?:ert|ren) (?:\w+ )?niet|geeft? geen antwoord|blij(?:ft|ven) hangen|tijdslimiet overschreden",
        r"przekroczen\w+ (?:limitu )?czasu|przekroczono (?:limit )?czasu?|nie odpowiada(?:ja)?|zawiesza\w*",
        r"zaman ?asimi\w*|(?:yanit|cevap) ver(?:mi|me)\w*|(?:yanit|cevap) (?:gelmi|gelme|alam)\w*",
        r"タイムアウト|応答(?:が|し)(?:な|ありませ|ま(?:せ))|返ってこな|返ってきませ|反応(?:が|し)(?:な|ありませ)",
    ),
    "slow": SLOW,
    "unauthorized": (
        r"nicht (?:autorisiert|authentifiziert)|unautorisiert|authentifizierungsfehler\w*"
        r"|authentifizierung \w* ?fehl\w*"
        r"|(?:schlussel|key|keys|token|tokens|zugangsdaten) (?:\S+ ){0,4}?(?:ungultig|abgelaufen|gesperrt|widerrufen"
        r"|abgelehnt"
        r"|nicht (?:mehr )?(?:akzeptiert|gultig|erkannt|funktion\w+)|funktionier\w+ nicht)"
        r"|ungultige[rsn]? (?:api-)?(?:schlussel|key|token)|uns nicht (?:mehr )?(?:anmelden|einloggen)",
        r"no autorizad\w+|(?:fallo|error)(?:s|es)? de autenticacion|autenticacion (?:fall\w+|rechazad\w+)"
        r"|(?:clave|llave|token|credencial)\w* (?:\S+ ){0,4}?(?:caduc\w+|vencid\w+|revocad\w+|invalid\w+|rechazad\w+"
        r"|expir\w+"
        r"|no (?:funciona|vale|sirve)\w*)|no (?:podemos|puedo|consigo|logramos) (?:autentic\w+|iniciar sesion)",
        r"non autorise\w*|echecs? (?:de |d')(?:l')?authentification|authentification (?:echou\w+|refusee|impossible)"
        r"|(?:cle|cles|jeton|jetons|token|tokens) (?:\S+ ){0,4}?(?:expire\w*|revoque\w*|invalides?|refuse\w*"
        r"|rejete\w*"
        r"|(?:fonctionn|march)\w+ plus|plus (?:valide|reconnu|accepte)\w*)|(?:nous|me|se) (?:connecter|authentifier)",
        r"nao autorizad\w+|(?:falha|erro)s? (?:de|na) autenticacao|autenticacao (?:falh\w+|recusad\w+)"
        r"|(?:chave|token|credencia)\w* (?:\S+ ){0,4}?(?:expir\w+|revogad\w+|invalid\w+|recusad\w+|rejeitad\w+"
        r"|vencid\w+"
        r"|nao (?:funciona|vale)\w*)|nao (?:conseguimos|consigo) (?:autenticar|fazer login|logar)",
        r"non autorizzat\w+|autenticazione (?:fallit\w+|non riuscita|fallisce)|error[ei] di autenticazione"
        r"|(?:chiav[ei]|token|credenziali) (?:\S+ ){0,4}?(?:scadut\w+|revocat\w+|non (?:e |sono )?(?:piu )?valid\w+|rifiutat\w+"
        r"|non funziona\w*)"
        r"|non (?:riusciamo|riesco) (?:piu )?ad? (?:autenticar\w+|effettuare il login)",
        r"niet geautoriseerd|ongeautoriseerd|authenticatie (?:mislukt|faalt)|authenticatiefout\w*"
        r"|(?:sleutels?|keys?|tokens?|inloggegevens) (?:\S+ ){0,4}?(?:verlopen|ingetrokken|ongeldig|geweigerd"
        r"|afgewezen"
        r"|werk(?:t|en) niet|niet (?:meer )?(?:geldig|geaccepteerd))|ongeldige (?:api-)?(?:sleutel|key|token)"
        r"|niet (?:meer )?inloggen",
        r"nieautoryzowan\w+|brak autoryzacji|(?:blad|bled)\w* (?:autoryzacji|uwierzytelni\w+)"
        r"|(?:klucz|token)\w* (?:\S+ ){0,4}?(?:wygas\w*|uniewaznion\w+|niewazn\w+|nieprawidlow\w+|odrzuc\w+"
        r"|nie dziala\w*)"
        r"|nie (?:mozemy|moge) sie zalogowac",
        r"yetkisiz|kimlik dogrulama\w* (?:\w+ )?(?:basarisiz|hata)\w*|gecersiz (?:api )?(?:anahtar|token)\w*"
        r"|(?:anahtar|token)\w* (?:\S+ ){0,4}?(?:gecersiz|dol(?:du|mus)|iptal edil\w+|reddedil\w+|calismiyor)\w*"
        r"|(?:giris yapam|oturum acam)\w+",
        r"認証(?:エラー|に失敗|失敗|でき(?:な|ま)|が通ら|されな)|未認証|(?:キー|トークン)[^。\n]{0,15}(?:無効|失効|期限切れ|拒否|使え(?:な|ま)|認識され(?:な|ま))"
        r"|ログイン(?:でき(?:な|ま)|に失敗)",
    ),
    "forbidden": (
        r"zugriff (?:\S+ ){0,3}?(?:verweigert|verboten|gesperrt)|kein(?:en|e|erlei)? (?:zugriff|zugang"
        r"|berechtigung\w*|rechte)"
        r"|(?:fehlende|unzureichende) (?:rechte|berechtigung\w*)|nicht (?:berechtigt|erlaubt|gestattet)"
        r"|berechtigungsfehler",
        r"acceso (?:denegado|prohibido|restringido)|(?:sin|falta de) (?:acceso|permisos?)|permisos? (?:insuficiente"
        r"|denegad|necesari)\w+"
        r"|no (?:tenemos|tengo|tiene) (?:ya )?(?:acceso|permisos?)|permisos|prohibid[oa]s?",
        r"acces (?:refuse|interdit|bloque)\w*|(?:plus|pas) (?:l'|d')?acces|(?:plus|pas) d'acces"
        r"|droits? (?:insuffisants?|manquants?|d'acces)"
        r"|permissions? (?:refusee|insuffisante|manquante)s?|pas (?:autorise\w*|les droits)|interdit(?:e|s|es)?",
        r"acesso (?:negado|proibido|bloqueado)|sem (?:acesso|permiss\w+)|permiss(?:ao|oes)|nao (?:temos"
        r"|tenho) (?:mais )?acesso"
        r"|perdemos (?:o )?acesso|proibid[oa]s?",
        r"accesso (?:negato|vietato|rifiutato)|permess[oi] (?:negat|insufficient|mancant)\w+|non (?:abbiamo"
        r"|ho) (?:piu )?(?:accesso|i permessi)"
        r"|senza accesso|mancano i permessi|vietat[oaie]",
        r"toegang (?:\S+ ){0,3}?(?:geweigerd|ontzegd)|geen (?:toegang|rechten|toestemming)|niet toegestaan|verboden"
        r"|onvoldoende rechten",
        r"odmow\w+ dostepu|dostep\w* (?:zabronion|zablokowan|wzbronion)\w+|brak\w* (?:dostepu|uprawnien)"
        r"|nie mamy (?:juz )?(?:dostepu|uprawnien)"
        r"|uprawnieni?\w*|zabronion\w+",
        r"erisim\w* (?:engel|reddedil|yasak|yok|kapan)\w*|erisemiyor\w*|yasak\w*|(?:izin|yetki)\w* (?:yok|yetersiz"
        r"|reddedil)\w*|yetersiz (?:izin|yetki)\w*",
        r"アクセス(?:が)?(?:拒否|禁止|でき(?:な|ま)|権)|権限|許可されて(?:い)?(?:な|ま)|禁止され",
    ),
    "payment-required": (
        r"zahlung erforderlich|konto (?:\S+ ){0,3}?(?:gesperrt|eingefroren|suspendiert)|gesperrtes konto",
        r"pago requerido|cuenta (?:\S+ ){0,3}?(?:suspendid|bloquead|congelad)a",
        r"paiement requis|compte (?:\S+ ){0,3}?(?:suspendu|bloque|gele)",
        r"pagamento (?:necessario|exigido|requerido)|conta (?:\S+ ){0,3}?(?:suspensa|bloqueada|congelada)",
        r"pagamento richiesto|(?:conto|account) (?:\S+ ){0,3}?(?:sospeso|bloccato)",
        r"betaling vereist|account (?:\S+ ){0,3}?(?:geblokkeerd|opgeschort|bevroren)",
        r"wymagana platnosc|kont[oa] (?:\S+ ){0,3}?(?:zablokowan|zawieszon|wstrzyman)\w+",
        r"odeme gerekli|hesab\w* (?:\S+ ){0,3}?(?:askiya|dondurul|kilitlen|engellen)\w*",
        r"支払い?が必要|アカウント[^。\n]{0,10}(?:停止|凍結|ロック|保留)",
    ),
    "bad-request": (
        r"(?:ungultige|fehlerhafte) anfrage\w*|validierungsfehler\w*|(?:anfrage|datei|inhalt|body|payload"
        r"|dokument)\w* (?:ist |sind |war )?zu (?:gross|lang)",
        r"(?:solicitud|peticion)\w* (?:invalida|incorrecta|erronea)s?|error(?:es)? de validacion"
        r"|(?:archivo|fichero|cuerpo|documento)s? (?:es |son )?(?:demasiado|muy) grandes?",
        r"requetes? (?:invalide|incorrecte|malformee)s?|erreurs? de validation|(?:fichier|corps|requete"
        r"|document)s? (?:est |sont )?trop (?:gros|volumineu|long|lourd)\w*",
        r"requisic\w+ (?:invalid|incorret)\w+|erros? de validacao|(?:arquivo|ficheiro|corpo|documento)s? (?:e "
        r"|sao )?(?:muito|demasiado) grandes?|grandes? demais",
        r"richiest[ae] (?:non valid|errat|malformat)\w+|error[ei] di (?:validazione|convalida)|(?:file|corpo"
        r"|richiesta|documento) (?:e )?troppo (?:grande|lung|pesant)\w*",
        r"ongeldige? (?:verzoek|aanvraag|aanroep)\w*|validatiefout\w*|(?:bestand|verzoek|document)\w* (?:is "
        r"|zijn )?te (?:groot|lang)",
        r"(?:nieprawidlow|niepoprawn|bledn)\w+ (?:zadani|zapytani|wywolani)\w*|(?:blad|bled)\w* walidacji|(?:plik"
        r"|zadani|dokument)\w* (?:\w+ )?(?:za|zbyt) duz\w+",
        r"(?:gecersiz|hatali) istek\w*|(?<!kimlik )dogrulama hata\w+|(?:dosya|istek|govde|belge)\w* cok buyuk",
        r"(?:不正|無効)なリクエスト|リクエストが(?:不正|無効)|(?:バリデーション|検証)エラー|(?:ファイル|本文|ペイロード|リクエスト|サイズ)が大き(?:すぎ|過ぎ)",
    ),
    "errors": (
        r"fehler(?!frei|los)\w*|fehlgeschlagen\w*|schlag(?:t|en) (?:\S+ ){0,8}?fehl|schlug(?:en)? (?:\S+ ){0,8}?fehl"
        r"|kaputt\w*|gescheitert|scheitern"
        r"|(?:geht|gehen|funktionier(?:t|en)|klapp(?:t|en)|lauft) (?:\w+ ){0,3}?(?:nicht|nichts|nix)|(?:nichts"
        r"|nix) (?:geht|funktioniert|lauft)|abgewiesen|abgelehnt",
        r"error(?:es)?|fall(?:a|an|o|os|ando|aron|aba|aban)|no (?:nos |me )?(?:funciona|anda|va)n?"
        r"|dej\w+ de funcionar|averia\w*|rechaza\w*",
        r"erreurs?|echou\w+|echecs?|(?:fonctionne|marche)(?:nt)? (?:plus|pas)|rien ne (?:va|marche|fonctionne)"
        r"|en panne|plantent|(?:ca|api|il|elle|tout|appel) plante|rejete\w*",
        r"erros?|falh(?:a|as|am|ou|ando|aram)|nao (?:esta |estao )?funciona\w*|par(?:ou|aram) de funcionar"
        r"|recusad[oa]s?",
        r"error[ei]|fallisc\w+|fallit[oaie]|non (?:funziona|va)(?:no)?|smess\w+ di funzionare|rifiutat[oaie]",
        r"fout(?:en|melding|meldingen|code|codes)?|mislukk?\w*|faal(?:t|de|den)|falen|werk(?:t|en|te"
        r"|ten) (?:\w+ ){0,2}?niet|doet het niet|doen het niet|kapot|afgewezen|geweigerd",
        r"blad(?:u|em|zie)?|bled\w+|nie dziala\w*|przestal\w* dzialac|awari\w+|zepsut\w+|nie powiod\w+|odrzuc\w+",
        r"hata(?!y(?!\w))\w*|basarisiz\w*|calism(?:iyor|adi)\w*|bozuk\w*|bozul\w+|reddedil\w+",
        r"エラー|失敗|不具合|動か(?:な|ず)|動きませ|動作し(?:な|ま)|使え(?:な|ま)|異常|壊れ|拒否され",
    ),
    "charged-twice": (
        r"(?:doppelt|zwei ?mal|2x) (?:\w+ ){0,3}?(?:berechnet|abgebucht|belastet|gezahlt|bezahlt|abgerechnet"
        r"|gezahlt)|doppelte[nr]? (?:abbuchung|rechnung|belastung|abrechnung|zahlung)\w*|doppelabbuchung\w*",
        r"(?:cobr|factur|carg|pag)\w+ (?:\w+ ){0,3}?(?:dos veces|doble|por duplicado)|doble (?:cobro|cargo"
        r"|facturacion|pago)|(?:cobro|cargo|pago|factura)s? duplicad[oa]s?",
        r"(?:factur|preleve|debit|paye)\w* (?:\w+ ){0,3}?(?:deux fois|2 fois|en double)|double (?:facturation"
        r"|prelevement|debit|paiement)",
        r"(?:cobr|fatur|factur|pag|debit)\w+ (?:\w+ ){0,3}?(?:duas vezes|2 vezes|em dobro|em duplic\w+)"
        r"|cobranca (?:dupla|duplicada|em dobro)|pagamento duplicado",
        r"(?:addebit|fattur|pagat)\w+ (?:\w+ ){0,3}?due volte|doppi[oa] (?:addebito|fatturazione|pagamento|fattura)"
        r"|(?:addebit|fattur|pagament)\w+ (?:duplicat|doppi)\w*",
        r"(?:dubbel|twee ?(?:keer|maal)) (?:\w+ ){0,3}?(?:gefactureerd|afgeschreven|betaald|in rekening|belast)"
        r"|dubbele (?:afschrijving|factuur|incasso|betaling)\w*",
        r"(?:dwa razy|dwukrotnie|podwojnie) (?:\w+ ){0,3}?(?:obciaz|nalicz|pobra|zaplac)\w*|(?:obciaz|nalicz|pobra"
        r"|zaplac)\w* (?:\w+ ){0,3}?(?:dwa razy|dwukrotnie|podwojnie)|podwojn\w+ (?:obciazen|platnos|faktur"
        r"|naliczen)\w*",
        r"(?:iki (?:kez|kere|defa)|cift) (?:\w+ ){0,2}?(?:ode|tahsil|fatura|ucret|cekil|cekim)\w*|mukerrer",
        r"二重(?:請求|課金|払い|計上|支払)|(?:二回|2回|二度)[^。\n]{0,8}(?:請求|課金|支払|引き落と)|重複(?:請求|課金)",
    ),
    "invoice-too-high": (
        r"(?:rechnung|rechnungsbetrag|abbuchung|abrechnung)\w*\b[^.\n]{0,60}\b(?:zu hoch|hoher|falsch\w*"
        r"|stimmt nicht|doppelt so|mehr als|unerwartet\w*|passt nicht|nicht nachvollzieh\w*)|zu viel (?:berechnet"
        r"|abgebucht|abgerechnet)",
        r"(?:factura|cargo|cobro|importe)s?\b[^.\n]{0,60}\b(?:demasiado|mas alt\w+|muy alt\w+|incorrect\w+"
        r"|no cuadran?|inesperad\w+|excesiv\w+|no coinciden?)|cobr\w+ de mas",
        r"(?:facture|prelevement)s?\b[^.\n]{0,60}\b(?:trop|plus elevee?s?|incorrecte?s?|fausses?|erronee?s?"
        r"|inattendue?s?|ne correspond\w*|excessi\w+)|surfactur\w+",
        r"(?:fatura|factura|cobranca)s?\b[^.\n]{0,60}\b(?:muito alta|mais alta|alta demais|alta|errad\w+|incorret\w+"
        r"|nao bate|nao confere|inesperad\w+|maior)|cobr\w+ a mais",
        r"(?:fattur[ae]|addebit[oi])\b[^.\n]{0,60}\b(?:troppo|piu alt\w+|sbagliat\w+|errat\w+|non (?:torna"
        r"|corrispond\w+)|inattes\w+|eccessiv\w+)",
        r"(?:factuur|facturen|afschrijving)\w*\b[^.\n]{0,60}\b(?:te hoog|hoger|klopt niet|kloppen niet|onjuist"
        r"|verkeerd|onverwacht|meer dan)|te veel (?:berekend|gefactureerd)",
        r"(?:faktur|rachun)\w*\b[^.\n]{0,60}\b(?:(?:za|zbyt) wysok\w+|zawyzon\w+|wyzsz\w+|nie zgadza\w*|bledn\w+"
        r"|nieprawidlow\w+|wiecej niz)",
        r"(?:fatura|ucret)\w*\b[^.\n]{0,60}\b(?:yuksek|fazla|yanlis|tutmuyor|uyusmuyor|hatali|beklenmedik)\w*",
        r"(?:請求|料金)[^。\n]{0,40}(?:高すぎ|高い|高く|多い|多すぎ|違|誤|間違|合わな|合いませ|一致し(?:な|ま)|おかし)",
    ),
    "payment-failed": (
        r"(?:zahlung|lastschrift|kreditkarte|karte|abbuchung)\w*\b[^.\n]{0,30}\b(?:fehlgeschlagen|abgelehnt"
        r"|zuruckgewiesen|gescheitert|fehl)",
        r"(?:pago|tarjeta|cobro)s?\b[^.\n]{0,30}\b(?:fall\w+|rechazad\w+|denegad\w+|declinad\w+)",
        r"(?:paiement|carte|prelevement)s?\b[^.\n]{0,30}\b(?:echou\w+|refuse\w*|rejete\w*|ne passe pas)"
        r"|echecs? (?:du |de )paiement",
        r"(?:pagamento|cartao|cobranca)\b[^.\n]{0,30}\b(?:falh\w+|recusad\w+|negad\w+|rejeitad\w+|nao (?:passou"
        r"|passa|foi aprovad\w+))",
        r"(?:pagamento|carta|addebito)\b[^.\n]{0,30}\b(?:fallit\w+|rifiutat\w+|respint\w+|non riuscit\w+"
        r"|non andat\w+)",
        r"(?:betaling|incasso|kaart|creditcard)\w*\b[^.\n]{0,30}\b(?:mislukt\w*|geweigerd|afgewezen|gestorneerd)",
        r"(?:platnos|kart)\w*\b[^.\n]{0,30}\b(?:odrzucon\w*|nie powiod\w*|nieudan\w+)|nieudan\w+ platnos\w+",
        r"(?:odeme|kart|tahsilat)\w*\b[^.\n]{0,30}\b(?:basarisiz|reddedil|gecmedi|gecmiyor|alinamadi|yapilamadi)\w*",
        r"(?:決済|支払い?|カード|引き落とし)[^。\n]{0,15}(?:失敗|拒否|でき(?:な|ま)|通ら|エラー)",
    ),
    "refund": (
        r"ruckerstatt\w*|zuruckerstatt\w*|erstattung\w*|gutschrift\w*|geld zuruck",
        r"reembols\w+|devolucion (?:del |de )(?:dinero|importe|cobro|pago)|nota de (?:credito|abono)",
        r"rembours\w+|note de credit",
        r"estorn\w+|ressarc\w+|devolucao do (?:valor|dinheiro)",
        r"rimbors\w+|nota di credito|storno",
        r"terugbetal\w+|creditnota\w*|geld terug|restitutie",
        r"zwrot\w* (?:pieniedzy|srodkow|platnosci|kosztow|kwoty)|korekt\w+ faktury",
        r"(?:para|ucret|odeme)\w* iade\w*|iade (?:et|istiyor|talep)\w*",
        r"返金|払い戻し",
    ),
    "missing-data": (
        r"(?:daten|datensatze|eintrage|ergebnisse) (?:\w+ )?(?:fehlen|verschwunden|verloren|weg)|fehlende (?:daten"
        r"|datensatze|eintrage)|leere (?:ergebnisse|antworten)",
        r"faltan (?:datos|registros|resultados)|(?:datos|registros) (?:\w+ ){0,2}?(?:perdid|desaparec)\w+"
        r"|resultados vacios",
        r"donnees (?:\w+ )?(?:manquantes|perdues|disparues|absentes)|il manque des (?:donnees|enregistrements"
        r"|resultats)|resultats vides",
        r"faltam? (?:dados|registros|resultados)|dados (?:\w+ )?(?:perdidos|sumiram|desapareceram|ausentes)"
        r"|resultados vazios",
        r"mancano (?:dati|i dati|record|risultati)|dati (?:\w+ )?(?:mancanti|persi|spariti|scomparsi)"
        r"|risultati vuoti",
        r"ontbrekende (?:gegevens|data|records)|(?:gegevens|data) (?:\w+ )?(?:ontbreken|kwijt|verdwenen|verloren)"
        r"|lege resultaten",
        r"brakuj\w+ dan\w+|dane (?:\w+ )?(?:zniknely|zaginely|przepadly)|brak danych|puste wyniki",
        r"eksik (?:veri|kayit|sonuc)\w*|(?:veri|kayit)\w* (?:\w+ )?(?:kayboldu|kayip|eksik|silinmis)|bos sonuc\w*",
        r"データが?(?:欠|消え|失われ|ありませ|見つから|見当たら)|(?:結果|レスポンス)が空",
    ),
    "reopened": (
        r"immer noch|noch immer|weiterhin|nach wie vor|schon wieder|besteht (?:\w+ )?(?:weiter|fort)"
        r"|(?:noch )?nicht (?:behoben|gelost)|wieder da|tritt (?:\w+ )?wieder auf",
        r"siguen? (?:\w+ ){0,2}?(?:fall|igual|sin|ocurr|pas|dando|con|viendo|recib)\w*|seguimos|todavia|persisten?"
        r"|(?:otra vez|de nuevo) (?:fall|con|lo mismo|el mismo)\w*|ha vuelto|sin (?:resolver|solucionar)",
        r"toujours (?:pas|le|la|les|en|des|un|present\w*|aussi|bloque\w*)|encore (?:le|la|les|des) |persist(?:e|ent)"
        r"|(?:pas|toujours pas) (?:resolu|regle|corrige)\w*|est revenue?|(?:a|de) nouveau",
        r"continua(?:m|mos)? (?:\w+ ){0,2}?(?:falh|com|acontec|dando|igual|sem|lent|vendo|receb)\w*"
        r"|ainda (?:\w+ )?(?:falh|acontec|com|nao|esta|estao|recebemos|vemos)\w*|persistem?|de novo|voltou"
        r"|nao (?:foi )?(?:resolvid|corrigid)\w*",
        r"ancora (?:\w+ )?(?:error|non|fall|lent|present|succed|acced|lo stesso|gli stessi|problem)\w*|persist(?:e"
        r"|ono)|di nuovo|continua(?:no)? a|non (?:e )?(?:ancora )?(?:risolt|corrett)\w+|e tornat\w+",
        r"nog steeds|nog altijd|weer (?:terug|fout|hetzelfde|kapot)|opnieuw|aanhoud\w*|blijft (?:\w+ )?(?:gebeuren"
        r"|falen|bestaan)|niet (?:opgelost|verholpen)",
        r"nadal|wciaz|ciagle|znowu|znow|ponownie|(?:nie zostal\w* |nie jest )(?:rozwiazan|naprawion)\w+|wrocil\w*"
        r"|to samo",
        r"hala|halen|devam ediyor\w*|tekrar(?:liyor|ladi| ediyor| basladi)|yine|cozulmedi|duzelmedi|ayni (?:hata"
        r"|sorun)\w*",
        r"まだ(?!.{0,6}(?:未定|決ま))|依然|相変わらず|再発|続いて(?:い|お)|引き続き(?:発生"
        r"|エラー)|直って(?:い)?(?:な|ま)|解決して(?:い)?(?:な|ま)|再び|また(?:発生|エラー"
        r"|同じ)",
    ),
}
"""Symptom to its words, one expression a language: the first eight are whole words, the last, Japanese, stands anywhere."""

NOT_ARRIVING = (
    r"(?:nicht|nichts|nie)(?: \S+){0,3}? (?:an|mehr|zugestellt|angekommen|ankommen|erhalten|empfangen|gesendet)"
    r"|nicht mehr|nichts mehr"
    r"|fehl(?:en|t)|bleib(?:en|t) aus|ausgeblieben|verspatet\w*|verzoger(?:t|ung)\w*|zu spat",
    r"no (?:\w+ ){0,3}?(?:lleg|recib|entreg|envi)\w+|falt(?:a|an|ando|aron)|(?:deja|dejo|dejaron|dejado) de (?:lleg"
    r"|recib|envi)\w+"
    r"|lleg\w+ (?:\w+ )?(?:tarde|con retraso)|perdid[oa]s?",
    r"(?:recev|recoi|arriv|parvien)\w+ (?:\w+ )?(?:plus|pas|rien|jamais)|manqu(?:e|ent|ant|ants)|en retard|plus rien"
    r"|perdu(?:e|s|es)?",
    r"nao (?:\w+ ){0,3}?(?:cheg|receb|envi|entreg)\w+|falt(?:a|am|ando|aram)|(?:parou|pararam|deixou"
    r"|deixaram) de (?:cheg|receb|envi)\w+"
    r"|cheg\w+ (?:\w+ )?(?:atrasad\w+|tarde|com atraso)|sumi(?:u|ram)",
    r"non (?:\w+ ){0,3}?(?:arriv|ricev|consegn|invi|giung)\w+|manc(?:a|ano|anti|ante)|smess\w+ di (?:arriv|ricev"
    r"|invi)\w+|in ritardo",
    r"(?:kom(?:t|en)|kwam(?:en)?) (?:\S+ ){0,5}?(?:niet|nooit|te laat)|ontvang\w* (?:\S+ ){0,4}?(?:niet|niets)"
    r"|(?:niet|niets)(?: \S+){0,3}? "
    r"(?:ontvangen|aan|aangekomen|binnen|bezorgd|afgeleverd|meer)|ontbre(?:ekt|ken)|vertraagd|te laat|blij(?:ft"
    r"|ven) uit",
    r"nie (?:\w+ ){0,3}?(?:przycho|docier|otrzym|dosta|wplyw|docho)\w+|brakuj\w+|opozni\w+|spoznion\w+"
    r"|przesta\w+ (?:przycho|docier|docho)\w+",
    r"gelm(?:iyor|edi|ez)\w*|ulasm(?:iyor|adi)\w*|alam(?:iyor|adi)\w*|iletilm\w+|gonderilm\w+|eksik\w*|gec (?:gel"
    r"|ulas)\w*|gecik\w+|kesildi",
    r"not (?:arriv\w+|received|delivered|coming|reach\w+)|never (?:arriv\w+|came|reach\w+)|(?:stopped|no longer"
    r"|nothing|missing|delayed|late)",
)
"""That what is sent does not come, comes late or no more; the last is English, for events called by their own names."""
NOT_ARRIVING_JAPANESE = (
    r"届か(?:な|ず)|届きませ|届いて(?:い|お)?(?:な|ま)|届く(?:の|まで)(?:が|に)遅|来(?:な|ませ|ていませ|ていな)"
    r"|受信(?:でき|し)(?:な|ま)|受け取れ|欠(?:け|落)|抜けて|遅れて|遅延|途絶|送(?:信され|られ)(?:て(?:い)?)?(?:な|ま)|不達"
)
NONE_OF = (
    r"kein(?:e|en|er|erlei)?|(?:ningun\w*|sin|ya no hay)|(?:plus|pas|aucun\w*)(?: de| d')?|(?:nenhum\w*|sem"
    r"|sem mais)|(?:niente|nessun\w*|senza|piu)|geen(?: enkele)?"
    r"|brak(?: jakichkolwiek)?|hic(?:bir)?|no(?: more)?"
)
"""Words that say `none of` before what they deny."""
EVENTS = (
    r"web-?hook\w*|callbacks?|rappels? http|eventos?|evenements?|eventi|evento|ereignisse?n?|gebeurtenis(?:sen)?"
    r"|zdarze(?:n|nia|niach|niami)|olay(?:lar\w*|i)?|bildirim(?:ler)?\w*"
    r"|notificaciones|notificacoes|notifiche|benachrichtigungen|powiadomie(?:n|nia)|meldingen"
)
"""What a webhook brings."""
FAILING_WEBHOOK = (
    r"signatur\w*|firmas?|assinaturas?|firme|handtekening\w*|podpis\w*|imza\w*"
    r"|wiederhol\w+|reintent\w+|tentativas|nouvelles tentatives"
)
"""What a webhook fails by, beside the words of any failure."""
