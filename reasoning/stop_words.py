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
STOP_WORDS = frozenset(_WORDS.split())
