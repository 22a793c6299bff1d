# What the scripts beside this one, and those in Tests/Images, know of Debian; made to be sourced.

# Where tools are kept from one run to the next. Outside of the clone: `git clean` keeps them, and a server that
# refuses to run as root is run by another user, who must be able to read it.
cache_folder() {
    if [ "$(id -u)" = 0 ]; then
        echo "/var/cache/ticker-pipeline/$1"
    else
        echo "${XDG_CACHE_HOME:-$HOME/.cache}/ticker-pipeline/$1"
    fi
}

# Where this host gets Debian from: lines of "URI kind", kind being archive or security. apt itself reads
# the host's sources for us, in whichever format they are written.
debian_sources() {
    local uri suite component origin codename known format='$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)'
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    known=$(apt-get indextargets --format "$format" 'Created-By: Packages')
    # Before the host's first `apt-get update` apt knows no origins.
    [[ $known == *'|Debian'* ]] ||
        known=$(apt-get indextargets --no-release-info --format "$format" 'Created-By: Packages')
    while IFS='|' read -r uri suite component origin; do
        case $component:$origin in main:Debian | 'main:$(ORIGIN)') ;; *) continue ;; esac
        case $suite in
            *-security) echo "$uri security" ;;
            "$codename" | stable | oldstable | testing | sid | unstable) echo "$uri archive" ;;
        esac
    done <<<"$known" | sort -u
}

# The keyring that the host's own sources name for a URI; Debian's, where they name none.
keyring_of() {
    local uri=${1%/} file block line
    for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list; do
        [ -r "$file" ] || continue
        block=
        while IFS= read -r line || [ -n "$line" ]; do
            # A *.sources file is made of paragraphs, a *.list file of lines.
            case $file in *.sources) [ -n "$line" ] && block+="$line"$'\n' || block= ;; *) block=$line ;; esac
            if [[ $block == *"$uri"* && $block =~ [Ss]igned-[Bb]y[:=][[:space:]]*(/[^],[:space:]]+) ]]; then
                echo "${BASH_REMATCH[1]}"
                return
            fi
        done <"$file"
    done
    for file in /usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
        [ -r "$file" ] && { echo "$file"; return; }
    done
    fail "no keyring for Debian's archive: install the package debian-archive-keyring"
}

# apt with a state of its own, in the folder $state: it believes that nothing is installed, and so fetches every
# dependency.
private_apt() {
    apt-get -qq -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" \
        -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o APT::Sandbox::User="$(id -un)" -o APT::Architecture="$(dpkg --print-architecture)" "$@" >&2
}

# Makes the state that `private_apt` works with, which knows one release alone, from where the host gets its own.
prepare_apt() {
    local uri kind suite found=
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    : >"$state/status"
    while read -r uri kind; do
        found+=" $kind"
        suite=$1
        [ "$kind" = security ] && suite=$1-security
        echo "deb [signed-by=$(keyring_of "$uri")] $uri $suite main" >>"$state/sources.list"
    done < <(debian_sources)
    [[ $found == *archive* ]] || fail "apt's sources name no Debian archive: this needs Debian 12 or 13"
}
