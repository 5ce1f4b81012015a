# Completion of licenseimport for fish, which asks the program itself.
function __licenseimport_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -e words[1]
    set -l token (commandline -ct)
    set -l flag (string match -r '^--[^=]*=' -- "$token")
    set -q flag[1]; or set flag '' # an empty list would make what it is joined with vanish
    set -l found ($program complete -- $words "$token" 2>/dev/null)
    switch "$found[1]"
        case :files
            printf '%s\n' $flag(__fish_complete_path (string replace -- "$flag" '' "$token"))
        case :folders
            printf '%s\n' $flag(__fish_complete_directories (string replace -- "$flag" '' "$token"))
        case '?*'
            printf '%s\n' $found
    end
end
complete -c licenseimport -f -a '(__licenseimport_complete)'
