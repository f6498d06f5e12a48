"""Words that say nothing of what a ticket is about: function words, courtesies, and the words of every ticket."""

_WORDS = """
    a able about above after again against all already also although always am an and another any anybody anyone
    anything are aren around as ask at back be because been before being below best between both but by call came
    can cannot can't come could couldn couldn't day days did didn didn't do does doesn doesn't doing don don't done
    down due during each either else especially etc even ever every everyone everything few fine first for from
    further get gets getting give given go goes going gone good got had hadn has hasn hasn't have haven haven't
    having he hello help her here hers hey hi him his hope how however i i'd i'll i'm i've if in indeed into is isn
    isn't it it's its itself just keep kind kindly know last later least let like little ll long look looking lot
    made make makes many may maybe me mean might mine more morning most much must my myself near need needs never
    new next no nobody none nor not nothing now of off often oh ok okay on once one only onto or other our ours out
    over own part per perhaps please possible problem quite rather re really regards right said same saw say saying
    says see seeing seem seems seen sent several shall she should shouldn since so some somebody someone something
    soon sorry still such sure take taken team than thank thanks that that's the their theirs them then there these
    they they're thing things think this those though through thus till time times to today together told tonight
    too took tried try trying two under until up upon us use used using usually ve very via want wanted was wasn
    wasn't way we we'd we're we've week weeks well went were weren what when where whether which while who whole
    whom whose why will with within without won won't would wouldn yes yesterday yet you your yours yourself account
    advance afternoon anyway asap assist best cheers customer customers dear evening happen happened happening
    happens hour hours issue issues investigate minute minutes month months question reply support ticket urgent
    urgently utc gmt api apis request requests response responses call calls service services server system error errors fail
    fails failed failing failure broken stopped stop works working worked
"""
_ABROAD = """
    aber alle als auch auf aus bei beim bin bis bitte das dass dem den der des die dies diese dieser doch ein
    eine einem einen einer fur gehen geht gibt guten gruss grusse haben hallo hat ich ihr ihre ihrem ihren ihrer
    immer ist kein keine konnen mehr mit nach nicht nichts noch nur oder schon sehr seit sich sie sind uber uns
    unser unsere unserem unseren unserer und viele vom von vor warum wenn wie wieder wir wird zum zur aqui asi
    buenas buenos como con cual cuando del desde donde ellos entre era esta estamos estan este esto fue gracias
    hace hasta hay hemos hola las los mas muchos muy nada nos nosotros nuestra nuestras nuestro nuestros otra
    otro para pero por porque pueden que saludo saludos ser sin sobre son sus tenemos tiene todo todos una unas
    unos ustedes alors aucun aussi avec avez avons bonjour car ces cet cette chez cordialement dans depuis donc
    elle encore est etes etre fait ils leur leurs mais merci meme nos notre nous par pas peu plus pouvez pour
    quand que quel quelle qui sans ses sont sur tous tout toute tres une vos votre vous agora ainda ate bom com
    dos das ela ele eles essa esse estao estou foi isso mais mas mesmo muito muitos nao nas nem nossa nossas
    nosso nossos obrigado obrigada ola onde ou pela pelo pode podem por qual quando quem seu sua tambem tem
    temos tudo uma voces abbiamo alla allo anche ancora buongiorno che chi ciao come cosa cordiali dal dalla
    degli dei del della delle dello dove essere grazie gli hanno hello il loro noi non nostra nostre nostri
    nostro oggi ogni per perche piu potete qualche quale quando quello questa questo saluti sempre senza sono
    sta stata stato sua sugli sul sulla tra tutti tutto una uno vostra vostro aan alle als bedankt ben beste bij
    dan dat deze die dit door een eens eerst elke ons onze ook over geen goedemorgen graag groet groeten heb
    hebben heeft het hoe iets jullie kan kunnen maar meer met mijn moet naar niet niets nog omdat onder sinds
    toch tot uit van veel voor waar waarom wat weer wel wij worden wordt zijn zonder zou ale bardzo bez byc byl
    bylo czy dla dlaczego dzien dobry gdy gdzie ich jak jako jest jestesmy juz kiedy ktora ktore ktory lub nam
    nas nasz nasza nasze naszej nic nie niz oraz panstwo pozdrawiam pozdrowienia prosimy prosze przed przez przy
    sie tak tego ten tylko wam was wasz wasza wasze wszystko zostal ama ben biz bizim bir bize bunu cok daha
    degil diye gibi hala hem her hic icin ile iyi kadar merhaba mi mu nasil neden nerede ona olan olarak oldu
    onun saygilarimla sayin siz sizin tesekkurler tum var veya yok
"""
"""Function words and courtesies of other languages, as `plain_text.plain` writes them."""
STOP_WORDS = frozenset((*_WORDS.split(), *_ABROAD.split()))
