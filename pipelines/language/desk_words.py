"""The English of what the request desk says: what happened, and what to do next."""

from collections.abc import Mapping
from enum import StrEnum

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.words import Message, marked

DESK_WORDS: Mapping[StrEnum, Message] = {
    DeskCode.NO_RUN_APPROVED: marked("No run has been approved: nothing may be used yet."),
    DeskCode.RUN_DRAFT: marked("Nobody has approved this run: its maps are a DRAFT."),
    DeskCode.RUN_REJECTED: marked("A reviewer rejected this run: its maps are a DRAFT."),
    DeskCode.RUN_WITHDRAWN: marked("This run was withdrawn: nothing of it may be used any more."),
    DeskCode.RUN_UNVERIFIED: marked(
        "This run does not verify: files are not as they were written."
    ),
    DeskCode.RUN_GONE: marked("The folder of this run is not there any more."),
    DeskCode.RUN_NOT_READ: marked("This desk cannot read the run: {why}"),
    DeskCode.RUN_NEWER: marked("A newer run of this study area has been approved since."),
    DeskCode.RUN_CHANGED: marked("The run has been made anew since this was asked."),
    DeskCode.RUN_NOT_MADE: marked("The run could not be made: {why}"),
    DeskCode.FINDINGS_DELIVERED: marked(
        "Survey results have come back that this run does not know: {records:count}, with "
        "{finds:count} finds."
    ),
    DeskCode.FINDINGS_CHANGED: marked(
        "The findings in {layer} have changed since this run was made of them."
    ),
    DeskCode.AREA_EMPTY: marked("There is no land in what was asked for."),
    DeskCode.AREA_TOO_SMALL: marked(
        "The area has {hectares:amount} ha; one cell of the map has {cell:amount} ha."
    ),
    DeskCode.AREA_TOO_LARGE: marked(
        "The area has {hectares:hectares} ha; the desk takes at most {most:hectares} ha at once."
    ),
    DeskCode.AREA_NO_POLYGONS: marked("{name} holds points or lines, and no land."),
    DeskCode.AREA_WITHOUT_CRS: marked("{name} does not say in which coordinate system it is."),
    DeskCode.AREA_OUTSIDE: marked("The area lies outside the study area."),
    DeskCode.AREA_PARTLY_OUTSIDE: marked(
        "{share:share} of the area lies outside the study area, where the layers say nothing."
    ),
    DeskCode.AREA_NOT_READ: marked("{name} cannot be read: {why}"),
    DeskCode.AREA_KIND: marked("{name} is of a kind that is not taken."),
    DeskCode.AREA_GONE: marked("The file of the area is not on the desk any more."),
    DeskCode.CLASS_WITHOUT_MODEL: marked("This run has no model of the class {hazard:name}."),
    DeskCode.LAYER_GONE: marked("The layer {layer} is not where the run expects it."),
    DeskCode.LAYER_UNKNOWN: marked("This run has no layer named {layer}."),
    DeskCode.DISTRICT_UNKNOWN: marked("This run has no district named {district}."),
    DeskCode.NEAR_WITHOUT_METRES: marked("A layer to be near and a distance go together."),
    DeskCode.DAY_TO_COME: marked("{day} is a day to come."),
    DeskCode.ASKED_REFUSED: marked("This cannot be answered: {why}"),
    DeskCode.WORKER_DIED: marked(
        "The program that worked on this stopped; it is being done again."
    ),
    DeskCode.WORKER_DIED_AGAIN: marked(
        "The program that worked on this stopped {times:count} times; it is not tried again."
    ),
    DeskCode.DISK_FULL: marked("The disk of the desk is full: {left:amount} GB are left."),
    DeskCode.TIME_SPENT: marked("This took longer than {minutes:amount} minutes and was stopped."),
    DeskCode.MEMORY_SPENT: marked(
        "This took more than {most:amount} GB of memory and was stopped."
    ),
    DeskCode.CANCELLED: marked("This was cancelled."),
    DeskCode.RESULT_EXPIRED: marked("This result was kept for {days:count} days and is deleted."),
    DeskCode.RESULT_NOT_READY: marked("This result is not ready yet."),
    DeskCode.RESULT_CHANGED: marked("The files of this result are not as they were written."),
    DeskCode.TILE_MISSING: marked("There is no map at this place and scale."),
    DeskCode.QUOTA_DAY: marked("This account has asked {most:count} times within a day."),
    DeskCode.QUOTA_WAITING: marked("This account has {most:count} requests that are not done yet."),
    DeskCode.TOO_MANY: marked("Too many calls came within a short time."),
    DeskCode.NOT_SIGNED_IN: marked("Nobody is signed in."),
    DeskCode.NOT_ALLOWED: marked("This account may not do that."),
    DeskCode.NOT_FOUND: marked("There is nothing at this address, or nothing for this account."),
    DeskCode.CREDENTIALS_WRONG: marked("Name, password or code is wrong."),
    DeskCode.LOCKED_OUT: marked("Too many attempts failed; signing in is closed for a while."),
    DeskCode.FIRST_PASSWORD: marked("This account still has the password that it was given."),
    DeskCode.FIRST_PASSWORD_OVER: marked("The password that was given was not used in time."),
    DeskCode.CODE_WRONG: marked("The code is wrong, or was used before."),
    DeskCode.CODE_NEEDED: marked("This role needs a second factor, which is not set up yet."),
    DeskCode.PROVIDER_AWAY: marked("The sign-in service does not answer."),
    DeskCode.PROVIDER_REFUSED: marked("The sign-in service refused: {why}"),
    DeskCode.PROVIDER_WRONG: marked("The answer of the sign-in service does not hold: {why}"),
    DeskCode.PROVIDER_ROLE: marked("The sign-in service gives this account no role of the desk."),
    DeskCode.PROVIDER_FACTOR: marked(
        "This role needs a second factor, and the sign-in service tells of none."
    ),
    DeskCode.SIGN_IN_STALE: marked("This sign-in was not begun in this browser, or too long ago."),
    DeskCode.FORM_STALE: marked("The page was open too long, or the call came from elsewhere."),
    DeskCode.PASSWORD_WEAK: marked("The password is too short or too common."),
    DeskCode.PASSWORD_SAME: marked("The new password is the same as the one before."),
    DeskCode.NAME_TAKEN: marked("There is an account named {name} already."),
    DeskCode.LAST_ADMINISTRATOR: marked("This is the last administrator."),
    DeskCode.RESULTS_REFUSED: marked("The survey results were not taken: {why}"),
    DeskCode.RESULTS_ROWS: marked(
        "{faulty:count} of {records:count} rows cannot be taken; nothing was added."
    ),
    DeskCode.BODY_WRONG: marked("What was sent is not as expected: {place}: {why}"),
    DeskCode.BODY_TOO_LARGE: marked("What was sent is larger than {most:amount} MB."),
    DeskCode.BODY_TOO_SLOW: marked("What was sent came too slowly."),
    DeskCode.QUERY_WRONG: marked("{name} is {came}; expected was {expected}."),
    DeskCode.QUERY_UNKNOWN: marked("This address has no parameter named {name}."),
    DeskCode.METHOD_WRONG: marked("This address does not take {method}."),
    DeskCode.RANGE_WRONG: marked("The file has {size:count} bytes, and none in this range."),
    DeskCode.REVIEW_OF_OWN: marked("Whoever made or offered a run cannot approve it."),
    DeskCode.REVIEW_REFUSED: marked("The decision was not recorded: {why}"),
    DeskCode.SIGNATURE_LATE: marked("The signature came too late, or the run has changed since."),
    DeskCode.SIGNATURE_WRONG: marked("The signature is not of these bytes by this key."),
    DeskCode.BUSY: marked("The desk cannot answer just now."),
    DeskCode.FAULT: marked("A fault of the desk. It is in the log under {reference}."),
}
"""What happened."""

_ASK_AGAIN = marked("Ask again.")
_SIGN_IN = marked("Sign in.")
_SIGN_IN_AGAIN = marked("Sign in again, or ask the administrator of the desk.")
_ASK_ADMINISTRATOR = marked("Ask the administrator of the desk.")
_ASK_REVIEWER = marked("Ask a reviewer for a decision, or use it as a DRAFT only.")
_CHOOSE_OTHER_RUN = marked("Choose another run.")
_NEW_RUN = marked("Ask a data scientist for a run that learns from them, and go by them meanwhile.")
_OTHER_LAND = marked("Choose land inside the study area.")

NEXT_STEPS: Mapping[DeskCode, Message] = {
    DeskCode.NO_RUN_APPROVED: marked("Wait until a reviewer has approved a run."),
    DeskCode.RUN_DRAFT: _ASK_REVIEWER,
    DeskCode.RUN_REJECTED: _ASK_REVIEWER,
    DeskCode.RUN_WITHDRAWN: marked("Stop using maps and tasks of it, and choose another run."),
    DeskCode.RUN_UNVERIFIED: marked("Use nothing of it, and tell whoever made it."),
    DeskCode.RUN_GONE: _CHOOSE_OTHER_RUN,
    DeskCode.RUN_NOT_READ: marked(
        "Have the run made again, or ask it with the version of minerisk that made it."
    ),
    DeskCode.RUN_NEWER: marked("Ask the newer run the same."),
    DeskCode.RUN_CHANGED: _ASK_AGAIN,
    DeskCode.RUN_NOT_MADE: marked("Mend that where the run is configured, and ask again."),
    DeskCode.FINDINGS_DELIVERED: _NEW_RUN,
    DeskCode.FINDINGS_CHANGED: _NEW_RUN,
    DeskCode.AREA_EMPTY: marked("Draw polygons, or choose a file that holds some."),
    DeskCode.AREA_TOO_SMALL: marked("Draw a larger area: at least one cell of the map."),
    DeskCode.AREA_TOO_LARGE: marked("Draw a smaller area, or ask for it in parts."),
    DeskCode.AREA_NO_POLYGONS: marked("Send polygons: a buffer around points gives land."),
    DeskCode.AREA_WITHOUT_CRS: marked(
        "Store the file with its coordinate system, or name the one of a Shapefile, and send it "
        "again."
    ),
    DeskCode.AREA_OUTSIDE: _OTHER_LAND,
    DeskCode.AREA_PARTLY_OUTSIDE: marked("Ask for the part inside, or draw an area inside it."),
    DeskCode.AREA_NOT_READ: marked("Export the file again, and send it again."),
    DeskCode.AREA_KIND: marked("Send a GeoPackage, a zipped Shapefile, KML or GeoJSON."),
    DeskCode.AREA_GONE: marked("Send the file again."),
    DeskCode.CLASS_WITHOUT_MODEL: marked("Choose another class, or any hazard."),
    DeskCode.LAYER_GONE: marked("Tell whoever made the run; leave the layer out until then."),
    DeskCode.LAYER_UNKNOWN: marked("Choose one of the layers of the run."),
    DeskCode.DISTRICT_UNKNOWN: marked("Choose one of the districts of the run."),
    DeskCode.NEAR_WITHOUT_METRES: marked("Give both, or leave both out."),
    DeskCode.DAY_TO_COME: marked("Choose a day up to today."),
    DeskCode.ASKED_REFUSED: marked("Change what is asked for."),
    DeskCode.WORKER_DIED: marked("Wait; nothing has to be done."),
    DeskCode.WORKER_DIED_AGAIN: marked("Ask for a smaller area, or tell the administrator."),
    DeskCode.DISK_FULL: marked("Tell the administrator: room has to be made on the disk."),
    DeskCode.TIME_SPENT: marked("Ask for a smaller area."),
    DeskCode.MEMORY_SPENT: marked("Ask for a smaller area."),
    DeskCode.CANCELLED: _ASK_AGAIN,
    DeskCode.RESULT_EXPIRED: _ASK_AGAIN,
    DeskCode.RESULT_NOT_READY: marked("Wait until it is done."),
    DeskCode.RESULT_CHANGED: marked("Use nothing of it, and ask again."),
    DeskCode.TILE_MISSING: marked("Move the map to the land that was asked for."),
    DeskCode.QUOTA_DAY: marked("Wait until tomorrow, or ask the administrator for more."),
    DeskCode.QUOTA_WAITING: marked("Wait until one of them is done, or cancel one."),
    DeskCode.TOO_MANY: marked("Wait a moment."),
    DeskCode.NOT_SIGNED_IN: _SIGN_IN,
    DeskCode.NOT_ALLOWED: _ASK_ADMINISTRATOR,
    DeskCode.NOT_FOUND: marked("Go back to the first page."),
    DeskCode.CREDENTIALS_WRONG: marked("Try again; after several attempts the account is locked."),
    DeskCode.LOCKED_OUT: marked("Wait a quarter of an hour, or ask the administrator."),
    DeskCode.FIRST_PASSWORD: marked(
        "Choose a password of your own on the page of your account (/account)."
    ),
    DeskCode.FIRST_PASSWORD_OVER: marked("Ask the administrator of the desk for another one."),
    DeskCode.CODE_WRONG: marked("Wait for the next code, and check the clock of the phone."),
    DeskCode.CODE_NEEDED: marked("Set up the second factor, then sign in again."),
    DeskCode.PROVIDER_AWAY: marked("Try again in a while, or ask the administrator of the desk."),
    DeskCode.PROVIDER_REFUSED: _SIGN_IN_AGAIN,
    DeskCode.PROVIDER_WRONG: _ASK_ADMINISTRATOR,
    DeskCode.PROVIDER_ROLE: _ASK_ADMINISTRATOR,
    DeskCode.PROVIDER_FACTOR: marked(
        "Sign out, sign in again with a second factor, or ask the administrator."
    ),
    DeskCode.SIGN_IN_STALE: _SIGN_IN_AGAIN,
    DeskCode.FORM_STALE: marked("Load the page anew."),
    DeskCode.PASSWORD_WEAK: marked("Choose at least 12 characters that nobody would guess."),
    DeskCode.PASSWORD_SAME: marked("Choose another password."),
    DeskCode.NAME_TAKEN: marked("Choose another name."),
    DeskCode.LAST_ADMINISTRATOR: marked("Make another administrator first."),
    DeskCode.RESULTS_REFUSED: marked("Correct the file, and send it again."),
    DeskCode.RESULTS_ROWS: marked(
        "Check the file to see each row, correct them, and send it again."
    ),
    DeskCode.BODY_WRONG: marked("Correct it, and send it again."),
    DeskCode.BODY_TOO_LARGE: marked("Cut the file to the land that is meant."),
    DeskCode.BODY_TOO_SLOW: marked("Send it again over a better line, or send a smaller file."),
    DeskCode.QUERY_WRONG: marked("Correct the parameter, and call again."),
    DeskCode.QUERY_UNKNOWN: marked("Leave it out, or take one of those that there are."),
    DeskCode.METHOD_WRONG: marked("Call it by one of the methods that it takes."),
    DeskCode.RANGE_WRONG: marked("Ask for a range within the file."),
    DeskCode.REVIEW_OF_OWN: marked("Ask another reviewer."),
    DeskCode.REVIEW_REFUSED: marked("Verify the run, and see what is wrong with it."),
    DeskCode.SIGNATURE_LATE: marked("Fetch the bytes anew, and sign them."),
    DeskCode.SIGNATURE_WRONG: marked(
        "Sign the bytes as they were fetched, with the key that was named."
    ),
    DeskCode.BUSY: marked("Try again in a minute."),
    DeskCode.FAULT: marked("Tell the administrator of the desk this reference."),
}
"""What to do next."""
