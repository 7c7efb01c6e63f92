// The same words in bash and zsh: from where the cursor is (the commands before it, the option whose value is due, how many arguments
// were given) to the table's key, and what stands before the value in the word itself.

export const keyOfPlace = `  if [[ -n $option ]]; then
    key="value$where $option"
  elif [[ $cur == --*=* ]]; then
    key="value$where \${cur%%=*}"
    prefix="\${cur%%=*}="
  elif [[ $cur == -* ]]; then
    key="options$where"
  elif _streamhouse_table "commands$where" >/dev/null; then
    key="commands$where"
  else
    key="argument$where $position"
  fi
`;
