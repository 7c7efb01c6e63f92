// Fish's part of the completion.

export const fishDriver = String.raw`
function __streamhouse_complete
  set -l words (commandline -opc)
  set -l cur (commandline -ct)
  set -l program $words[1]
  set -l where ''
  set -l option ''
  set -l prefix ''
  set -l position 0
  set -l url
  for word in $words[2..-1]
    if test -n "$option"
      test "$option" = --url; and set url --url $word
      set option ''
    else if test "$word" = --
      __fish_complete_path $cur
      return
    else if string match -q -- '--url=*' $word
      set url --url (string replace -- '--url=' '' $word)
    else if string match -q -- '-*' $word
      __streamhouse_table "value$where $word" >/dev/null; and set option $word
    else if __streamhouse_table "options$where $word" >/dev/null
      set where "$where $word"
    else
      set position (math $position + 1)
    end
  end
  set -l key
  if test -n "$option"
    set key "value$where $option"
  else if string match -q -- '--*=*' $cur
    set -l flag (string replace -r -- '=.*' '' $cur)
    set key "value$where $flag"
    set prefix "$flag="
  else if string match -q -- '-*' $cur
    set key "options$where"
  else if __streamhouse_table "commands$where" >/dev/null
    set key "commands$where"
  else
    set key "argument$where $position"
  end
  for line in (__streamhouse_table $key)
    if set -l source (__streamhouse_source $line)
      # Silent when no agent answers at once: nobody waits for a completion.
      set -l names ($program (string split ' ' $source) -o name --limit 1000 --timeout 1s $url 2>/dev/null </dev/null)
      for name in $names
        echo $prefix$name
      end
    else
      echo $prefix$line
    end
  end
end
complete -c streamhouse -f -a '(__streamhouse_complete)'
`;
