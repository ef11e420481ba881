# {{ name }}: script for U-Boot (written by xenbuild)
# Another line of the menu: setenv machine_entry ID; boot. The lines:{% for entry in entries %} {{ entry.id }}{% endfor %}

test -n "${machine_entry}" || setenv machine_entry {{ entries[default].id }}
{% for entry in entries %}
if test "${machine_entry}" = {{ entry.id }}; then setenv bootargs{{ '' if firmware_words and not entry.words else ' "' ~ entry.words | join(' ') ~ '"' }}; fi
{% endfor %}
{% if start == 'fit' %}
# U-Boot compares the hashes in the file, and its signature if U-Boot has a key, before it starts anything.
load ${devtype} ${devnum}:${distro_bootpart} {{ loaded }} {{ file }} && bootm {{ loaded }}#{{ configuration }} - {{ device_tree }}
{% else %}
load ${devtype} ${devnum}:${distro_bootpart} {{ address }} {{ file }} && {{ 'booti' if arch == 'arm64' else 'bootz' }} {{ address }} - {{ device_tree }}
{% endif %}
echo "{{ name }} could not be started"
