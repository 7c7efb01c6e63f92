// Bash's part of the completion. Works without the package bash-completion, and on bash 3.2, which macOS has.
import { keyOfPlace } from './key-of-place.ts';

export const bashDriver = `
_streamhouse_candidates() { # where, program, --url and its value
  local line source
  while IFS= read -r line; do
    if source=$(_streamhouse_source "$line"); then
      # Silent when no agent answers at once: nobody waits for a completion.
      "$2" $source -o name --limit 1000 --timeout 1s "\${@:3}" 2>/dev/null </dev/null
    else
      printf '%s\\n' "\${line%%$'\\t'*}"
    fi
  done < <(_streamhouse_table "$1")
}

_streamhouse() {
  local typed=\${COMP_LINE:0:COMP_POINT} program=\${COMP_WORDS[0]}
  local words cur='' where='' option='' position=0 word i line prefix=''
  local url=()
  # Bash splits words at = and : too; these are split at blanks alone.
  IFS=$' \\t' read -r -a words <<<"$typed"
  if [[ $typed != *[[:blank:]] ]]; then
    cur=\${words[\${#words[@]}-1]}
    unset "words[\${#words[@]}-1]"
  fi
  for ((i = 1; i < \${#words[@]}; i++)); do
    word=\${words[i]}
    if [[ -n $option ]]; then
      [[ $option == --url ]] && url=(--url "$word")
      option=''
    elif [[ $word == -- ]]; then
      return 0
    elif [[ $word == --url=* ]]; then
      url=(--url "\${word#--url=}")
    elif [[ $word == -* ]]; then
      _streamhouse_table "value$where $word" >/dev/null && option=$word
    elif _streamhouse_table "options$where $word" >/dev/null; then
      where="$where $word"
    else
      position=$((position + 1))
    fi
  done
  local key
${keyOfPlace}  # What bash takes for the current word begins behind the last = or :.
  local kept=\${cur##*[=:]}
  local cut=\${cur%"$kept"}
  COMPREPLY=()
  while IFS= read -r line; do
    line="$prefix$line"
    [[ $line == "$cur"* ]] && COMPREPLY+=("\${line#"$cut"}")
  done < <(_streamhouse_candidates "$key" "$program" "\${url[@]+"\${url[@]}"}")
}
complete -F _streamhouse streamhouse
`;
