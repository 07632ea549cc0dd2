# awk -f newer_than.awk LOCK FROZEN: print the lines of `pip freeze` that a lock does not have.
{ $1 = tolower($1); gsub(/_/, "-", $1) }
NR == FNR { locked[$1]; next }
$1 != "" && !($1 in locked) { print "not as locked: " $1 }
