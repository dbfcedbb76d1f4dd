// A contact sheet: evenly spaced pictures of episodes in one picture. One episode fills a square,
// several have a row each.
#pragma once

#include "base/status.h"
#include "sac/env.h"

typedef struct sac_contact_sheet sac_contact_sheet;

/// Episodes that a sheet shows at most, the first ones.
enum { SAC_CONTACT_SHEET_ROWS = 64 };

/// For pictures of an even size, which appear at half of it.
sac_status sac_contact_sheet_create(int episodes, int width, int height, sac_contact_sheet **sheet,
                                    sac_error *err);
void sac_contact_sheet_destroy(sac_contact_sheet *sheet);

/// Whether the picture of `step` may come to be shown; steps of an episode come in order, from 0.
bool sac_contact_sheet_wants(const sac_contact_sheet *sheet, int64_t step);
/// The picture of a step that it wants.
void sac_contact_sheet_add(sac_contact_sheet *sheet, const sac_picture *picture);
/// The episode is over: choose among its pictures. Without any, nothing happens.
void sac_contact_sheet_end_episode(sac_contact_sheet *sheet);

/// The sheet, which owns its pixels.
const sac_picture *sac_contact_sheet_picture(const sac_contact_sheet *sheet);
