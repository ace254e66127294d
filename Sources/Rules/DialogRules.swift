import SansIO

/// What dialogs, and the calls that they carry, are held to.
extension Rule {
  public static let beginsInTheMiddle = Rule("begins-in-the-middle", .note, "", "the capture has the beginning of a dialog")
  public static let answerNotCaptured = Rule("answer-not-captured", .note, "", "the capture has the answer of a call that was answered")
  public static let callRefused = Rule("call-refused", .warning, "RFC 3261 §21", "an INVITE is not refused", failsRuns: .asked)
  public static let answerAfterCancel = Rule(
    "answer-after-cancel", .error, "RFC 3261 §9.1", "an answer that crosses a CANCEL is followed by a BYE", judgesAbsence: true)
  public static let successWithoutDialog = Rule(
    "success-without-dialog", .error, "RFC 3261 §12.1.2",
    "a 2xx to INVITE has what establishes a dialog: From, To, Call-ID and valid routes", by: .both)
  public static let tagChanges = Rule(
    "tag-changes", .warning, "RFC 3261 §12.1.1", "one user agent has one To tag in all its responses to an INVITE")
  public static let recordRoute = Rule(
    "record-route", .error, "RFC 3261 §12.1.1", "a 2xx to INVITE has the Record-Route of its request, in its order")
  public static let routeSet = Rule(
    "route-set", .error, "RFC 3261 §12.2.1.1", "a request within a dialog has the route set of the dialog")
  public static let dialogTags = Rule(
    "dialog-tags", .error, "RFC 3261 §12.2.1.1", "a request within a dialog has the tags of the dialog")
  public static let sequenceNotHigher = Rule(
    "cseq-not-higher", .warning, "RFC 3261 §12.2.1.1", "each request within a dialog has a higher CSeq number than the last", by: .both)
  public static let byeInEarlyDialog = Rule(
    "bye-in-early-dialog", .error, "RFC 3261 §15", "a callee sends no BYE before its 2xx is acknowledged", by: .both)
  public static let inviteOverlaps = Rule(
    "invite-overlaps", .error, "RFC 3261 §14.1", "no INVITE is sent while another INVITE is in progress in the dialog", by: .both)
  public static let glareNotRefused = Rule(
    "glare-not-refused", .error, "RFC 3261 §14.2", "an INVITE that crosses one of the other side in its dialog is refused with 491")
  public static let glareWait = Rule(
    "glare-wait", .warning, "RFC 3261 §14.1",
    "after 491 the owner of the Call-ID waits 2.1 to 4 s before the INVITE is sent again, the other side up to 2 s")
  public static let requireInDialog = Rule(
    "unknown-extension-required", .error, "RFC 3261 §8.2.2.3", "Require lists only extensions that we listed in Supported", by: .both)
  public static let refusedInDialog = Rule(
    "refused-in-dialog", .warning, "RFC 3261 §12.2.2", "a request within a dialog is not refused", failsRuns: .asked)
  public static let credentials = Rule(
    "credentials", .error, "RFC 7616 §3.4", "credentials have the realm of their challenge, and with qop a cnonce and a nonce count")
  public static let challengeLoop = Rule(
    "challenge-loop", .error, "RFC 3261 §22.2", "credentials that were refused are not sent again", failsRuns: .asked)
  public static let nonceExpired = Rule("nonce-expired", .warning, "RFC 7616 §3.3", "a challenge for an expired nonce says stale=true")
  public static let nonceCount = Rule("nonce-count", .error, "RFC 7616 §3.4", "the nonce count grows with each use of a nonce")
  public static let progressNotAcknowledged = Rule(
    "no-prack", .error, "RFC 3262 §4", "a provisional response that is sent reliably is acknowledged by PRACK", judgesAbsence: true)
  public static let reliabilityUnasked = Rule(
    "reliability-unasked", .error, "RFC 3262 §3", "a provisional response is sent reliably only where the INVITE supports 100rel")
  public static let sessionNotRefreshed = Rule(
    "session-not-refreshed", .warning, "RFC 4028 §10", "a session with a timer is refreshed before it expires", judgesAbsence: true)
  public static let cancelWithoutEnd = Rule(
    "cancel-without-end", .warning, "RFC 3261 §9.2", "an INVITE whose CANCEL was accepted gets a final response", judgesAbsence: true)
  public static let deadBranch = Rule(
    "dead-branch", .warning, "RFC 3261 §17.1.1.2", "each branch of a call gets a response", judgesAbsence: true)
  public static let remoteTarget = Rule(
    "remote-target", .warning, "RFC 3261 §12.2.1.1", "a request within a dialog has the other side's Contact as its Request-URI",
    failsRuns: .errors)

  static let dialogs: [Rule] = [
    beginsInTheMiddle, answerNotCaptured, callRefused, answerAfterCancel, successWithoutDialog, tagChanges, recordRoute, routeSet,
    dialogTags, sequenceNotHigher, byeInEarlyDialog, inviteOverlaps, glareNotRefused, glareWait, requireInDialog, refusedInDialog,
    credentials, challengeLoop, nonceExpired, nonceCount, progressNotAcknowledged, reliabilityUnasked, sessionNotRefreshed,
    cancelWithoutEnd, deadBranch, remoteTarget,
  ]
}
