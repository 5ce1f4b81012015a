# Completion of licenseimport for bash, which asks the program itself.
_licenseimport() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :files) compopt -o default; return ;;
        :folders) compopt -o dirnames; return ;;
        esac
        COMPREPLY+=("${line%%$'\t'*}")
    done < <("${COMP_WORDS[0]/#\~/$HOME}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _licenseimport licenseimport
