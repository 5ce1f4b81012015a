#compdef licenseimport
# Completion of licenseimport for zsh, which asks the program itself.
_licenseimport() {
    local line
    local -a found
    for line in "${(@f)$("${(Q)~words[1]}" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
            :files) compset -P '--*='; _files; return ;;
            :folders) compset -P '--*='; _files -/; return ;;
            *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            ?*) found+=("${line//:/\\:}") ;;
        esac
    done
    _describe licenseimport found
}
if [[ ${funcstack[1]} == _licenseimport ]]; then
    _licenseimport # autoloaded from a directory of fpath
else
    compdef _licenseimport licenseimport
fi
