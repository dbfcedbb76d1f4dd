#include "env/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/files.h"
#include "base/status.h"
#include "config/config.h"

enum { NAME_MAX_LENGTH = 64 };

// the dynamic linker looks for names without a slash in its own folders
static sac_status open_library(const char *path, const char *where, sac_plugin *plugin,
                               sac_error *err) {
  char file[SAC_PATH_MAX];
  int length = snprintf(file, sizeof file, "%s%s", strchr(path, '/') ? "" : "./", path);
  if (length >= (int)sizeof file)
    return sac_error_set(err, SAC_BAD_ENV, "%s: env.plugin is longer than %d characters", where,
                         SAC_PATH_MAX);
  plugin->library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (plugin->library) return SAC_OK;
  return sac_error_set(err, SAC_BAD_ENV, "%s: env.plugin cannot be opened: %s", where, dlerror());
}

static bool is_name(const char *text) {
  return text && text[0] && strnlen(text, NAME_MAX_LENGTH) < NAME_MAX_LENGTH;
}

static bool has_keywords(const sac_env_def *def) {
  if (def->n_keywords < 0 || def->n_keywords > SAC_CONFIG_KWARG_MAX) return false;
  if (def->n_keywords > 0 && !def->keywords) return false;
  for (int i = 0; i < def->n_keywords; i++) {
    const sac_env_keyword *keyword = &def->keywords[i];
    bool sound = is_name(keyword->name) && keyword->help && keyword->count >= 0 &&
                 keyword->count <= SAC_ENV_KEYWORD_MAX && keyword->kind >= SAC_ENV_NUMBER &&
                 keyword->kind <= SAC_ENV_NUMBERS;
    if (!sound) return false;
  }
  return true;
}

// what is wrong with a definition, or NULL
static const char *find_flaw(const sac_env_def *def) {
  if (!is_name(def->id)) return "its id is missing or longer than 63 characters";
  if (!def->help) return "its help is missing";
  if (!has_keywords(def)) return "its keywords are not sound";
  if (!def->open || !def->close || !def->reset || !def->step || !def->set_state)
    return "one of open, close, reset, step and set_state is missing";
  if (!def->create != !def->destroy) return "create and destroy must be given together";
  if (!def->save != !def->load) return "save and load must be given together";
  if (def->save && !def->create) return "save and load are for what create makes";
  return NULL;
}

static sac_status check_def(const char *path, const char *where, const sac_env_def *def,
                            sac_error *err) {
  if (!def)
    return sac_error_set(err, SAC_BAD_ENV,
                         "%s: env.plugin %s does not export sac_env_plugin (a sac_env_def)", where,
                         path);
  if (def->version != SAC_ENV_VERSION)
    return sac_error_set(
        err, SAC_BAD_ENV,
        "%s: env.plugin %s was built for version %u of sac/env.h, this program has "
        "version %d: build it against this program's header",
        where, path, def->version, SAC_ENV_VERSION);
  const char *flaw = find_flaw(def);
  if (!flaw) return SAC_OK;
  return sac_error_set(err, SAC_BAD_ENV, "%s: env.plugin %s: %s", where, path, flaw);
}

sac_status sac_plugin_open(const char *path, const char *where, sac_plugin *plugin,
                           sac_error *err) {
  *plugin = (sac_plugin){NULL, NULL};
  SAC_TRY(open_library(path, where, plugin, err));
  const sac_env_def *def = dlsym(plugin->library, "sac_env_plugin");
  sac_status status = check_def(path, where, def, err);
  if (status == SAC_OK)
    plugin->def = def;
  else
    sac_plugin_close(plugin);
  return status;
}

void sac_plugin_close(sac_plugin *plugin) {
  if (plugin->library) dlclose(plugin->library);
  *plugin = (sac_plugin){NULL, NULL};
}
