// Zsh's part of the completion: sourced, or as a file _streamhouse in $fpath.
import { keyOfPlace } from './key-of-place.ts';

export const zshDriver = `
_streamhouse() {
  local cur=\${words[CURRENT]} where='' option='' prefix='' word key line name
  local -i position=0
  local -a url shown meant
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $option ]]; then
      [[ $option == --url ]] && url=(--url "$word")
      option=''
    elif [[ $word == -- ]]; then
      _files
      return
    elif [[ $word == --url=* ]]; then
      url=(--url "\${word#--url=}")
    elif [[ $word == -* ]]; then
      _streamhouse_table "value$where $word" >/dev/null && option=$word
    elif _streamhouse_table "options$where $word" >/dev/null; then
      where="$where $word"
    else
      position+=1
    fi
  done
${keyOfPlace}  for line in "\${(@f)$(_streamhouse_table "$key")}"; do
    if name=$(_streamhouse_source "$line"); then
      # Silent when no agent answers at once: nobody waits for a completion.
      for line in "\${(@f)$("\${words[1]}" \${=name} -o name --limit 1000 --timeout 1s "\${(@)url}" 2>/dev/null </dev/null)}"; do
        [[ -n $line ]] && shown+=("$prefix$line") meant+=("$line")
      done
    elif [[ -n $line ]]; then
      shown+=("$prefix\${line%%$'\\t'*}")
      meant+=("\${line/$'\\t'/  -- }")
    fi
  done
  compadd -l -d meant -a -- shown
}
if [[ \${funcstack[1]-} == _streamhouse ]]; then
  _streamhouse "$@"
else
  compdef _streamhouse streamhouse
fi
`;
