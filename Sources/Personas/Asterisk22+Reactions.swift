import SIPComposition
import SIPMessage
import SIPUserAgent

// How Asterisk answers: the order of its responses, and what it makes of odd requests.

private let observed = "observed: Asterisk 22.10.1"
private let start = ["Via", "Record-Route", "Call-ID", "From", "To", "CSeq"]
private let end = ["Content-Type", "Content-Length"]

let asteriskResponses = [
  Quirk(
    "response-order", "Call-ID behind Via, then From, To, CSeq, Server, Contact",
    source: "\(observed), 100, 180, 183, 200, 404, 486, 487"
  ) {
    let middle = ["Server", "Contact", "Allow", "Supported", "Session-Expires", "Require", "Reason"]
    $0.style.orders.append(HeaderOrder(.responses, start + middle + end))
  },
  Quirk(
    "success-after-provisional-order", "a 200 after a 180 has Allow before Contact",
    source: "\(observed), 200 to INVITE of ringing calls"
  ) {
    let middle = ["Server", "Allow", "Contact", "Supported", "Session-Expires", "Require"]
    $0.style.orders.append(HeaderOrder(.successAfterProvisional, start + middle + end))
  },
  Quirk("reinvite-response-order", "responses to a re-INVITE have Server last", source: "\(observed), 200, 488, 491 and 500 to re-INVITE") {
    let middle = ["Allow", "Supported", "Contact", "Warning", "Accept", "Retry-After", "Reason", "Server"]
    $0.style.orders.append(HeaderOrder(.reinviteResponses, start + middle + end))
  },
  Quirk("stack-response-order", "responses of the stack itself have Server last", source: "\(observed), 400, 401, 415, 420") {
    let middle = ["WWW-Authenticate", "Unsupported", "Accept", "Supported", "Warning", "Server"]
    $0.style.orders.append(HeaderOrder(.stackResponses, start + middle + end))
  },
  Quirk("options-answer", "the 200 to OPTIONS lists what it accepts and has no Contact", source: "\(observed), 200 to OPTIONS") {
    let accepted = [
      "application/sdp", "application/simple-message-summary", "application/pidf+xml", "application/xpidf+xml", "application/cpim-pidf+xml",
      "application/dialog-info+xml", "application/simple-message-summary", "application/pidf+xml", "application/dialog-info+xml",
      "message/sipfrag;version=2.0",
    ]
    let fields = [("Accept", accepted.joined(separator: ", ")), ("Accept-Encoding", "identity"), ("Accept-Language", "en")]
    for (name, value) in fields { $0.style.headers.append(StyledHeader(name, value, responses: [.options], statuses: 200...299)) }
    $0.style.options.answerHasContact = false
    let middle = ["Accept", "Allow", "Supported", "Accept-Encoding", "Accept-Language", "Server"]
    $0.style.orders.append(HeaderOrder(.responsesTo(.options), start + middle + end))
  },
  Quirk("via-rewritten", "Via of responses has rport and received before branch", source: "\(observed), all responses") {
    $0.style.rewritesVia = true
  },
  Quirk(
    "contact-without-user", "Contact of the called side has no user",
    source: "\(observed), 180, 183, 200, re-INVITE of the called side"
  ) {
    $0.style.answersWithContactUser = false
  },
  Quirk("no-supported-in-provisionals", "180 and 183 have Allow but no Supported", source: "\(observed), 180 and 183") {
    $0.style.supportedInProvisionals = false
  },
  Quirk("allow-in-487", "487 has Allow", source: "\(observed), 487") { $0.style.allowInTerminated = true },
  Quirk("trying-at-once", "every INVITE gets a 100 at once", source: "\(observed), 100") {
    $0.behaviour.rules.append(BehaviourRule(.inviteArrives, answer: 100))
  },
  Quirk("refusal-reasons", "refusals by the dialplan say their Q.850 cause", source: "\(observed), 486, 487, 503") {
    $0.style.refusalCauses = [486: 17, 487: 16, 503: 34]
  },
  Quirk("challenge-form", "a challenge in MD5, no space after its commas", source: "\(observed), 401 to INVITE") {
    let value = "Digest realm=\"asterisk\",nonce=\"{unix}/{hex:32}\",opaque=\"{hex:16}\",algorithm=MD5,qop=\"auth\""
    $0.style.headers.append(StyledHeader("WWW-Authenticate", value, responses: [.invite], statuses: 401...401))
  },
  Quirk(
    "invalid-cseq-phrase", "500 Invalid CSeq for a CSeq not above the last",
    source: "\(observed), re-INVITE and BYE with an old CSeq"
  ) {
    $0.behaviour.rules.append(BehaviourRule(.lowSequence, answer: 500, phrase: "Invalid CSeq"))
  },
  Quirk("pending-phrase", "491 and 500 say that another INVITE is in progress", source: "\(observed), overlapping re-INVITEs and glare") {
    $0.behaviour.rules.append(BehaviourRule(.pendingInvite, phrase: "Another INVITE transaction in progress"))
  },
  Quirk("merged-accepted", "a copy of an INVITE by another path rings again, without 482", source: "\(observed), merged request") {
    $0.behaviour.rules.append(BehaviourRule(.mergedRequest, .serve))
  },
  Quirk("foreign-scheme-404", "404 instead of 416 for a tel Request-URI", source: "\(observed), INVITE tel:") {
    $0.behaviour.rules.append(BehaviourRule(.foreignScheme, answer: 404))
  },
  Quirk("accepted-types", "a 415 accepts application/sdp alone", source: "\(observed), INVITE with text/plain") {
    $0.behaviour.rules.append(BehaviourRule(.unreadableBody, answer: 415, headers: [HeaderLine("Accept", "application/sdp")]))
  },
  Quirk("sips-480", "480 with Warning 381 for a sips Request-URI over UDP", source: "\(observed), INVITE sips: over UDP") {
    $0.behaviour.rules.append(
      BehaviourRule(.secureURIOverDatagrams, answer: 480, headers: [HeaderLine("Warning", "381 SIP \"SIPS Required\"")]))
  },
  Quirk(
    "force-rport", "responses go to the source port although Via has no rport",
    source: "\(observed), OPTIONS without rport; force_rport=yes in Asterisk 22 documentation"
  ) {
    $0.style.answersToSourcePort = true
  },
  Quirk("cseq-mismatch-dropped", "a request whose CSeq names another method is not answered", source: "\(observed), CSeq method mismatch") {
    $0.behaviour.rules.append(BehaviourRule(.sequenceMethodMismatch, .ignore))
  },
]

let asteriskBehaviour = [
  Quirk("488-without-warning", "488 to an initial INVITE gives no reason", source: "\(observed), codec mismatch, RTP/SAVP") {
    $0.behaviour.rules.append(BehaviourRule(.unacceptableOffer, answer: 488))
  },
  Quirk(
    "reinvite-488-form", "488 to a re-INVITE has Warning 390, a list of types and cause 0",
    source: "\(observed), T.38, codec mismatch and RTP/SAVP in re-INVITEs"
  ) {
    let accepted =
      "application/sdp, application/simple-message-summary, application/pidf+xml, application/xpidf+xml, application/cpim-pidf+xml, "
      + "application/dialog-info+xml, application/simple-message-summary, application/pidf+xml, application/dialog-info+xml, "
      + "message/sipfrag;version=2.0"
    let headers = [
      HeaderLine("Warning", "390 SIP \"No SDP answer\""), HeaderLine("Accept", accepted), HeaderLine("Reason", "Q.850;cause=0"),
    ]
    $0.behaviour.rules.append(BehaviourRule(.unacceptableReoffer, answer: 488, headers: headers))
  },
  Quirk("unreadable-sdp-400", "400 with Warning 399 for SDP that cannot be read", source: "\(observed), garbage SDP") {
    let warning = HeaderLine("Warning", "399 SIP \"Invalid SDP descriptor (PJMEDIA_SDP_EINSDP)\"")
    $0.behaviour.rules.append(BehaviourRule(.unreadableOffer, answer: 400, headers: [warning]))
  },
  Quirk("message-202", "MESSAGE gets 202", source: "\(observed), MESSAGE") {
    $0.reactions += [Reaction(.message, .outside, status: 202), Reaction(.message, .inDialog, status: 202)]
  },
  Quirk(
    "bad-event-489", "SUBSCRIBE and PUBLISH for an event it does not know get 489",
    source: "\(observed), SUBSCRIBE; Asterisk 22 source, PUBLISH"
  ) {
    $0.reactions += [Reaction(.subscribe, .outside, status: 489), Reaction(.publish, .outside, status: 489)]
  },
  Quirk(
    "info-unanswered", "INFO of application/dtmf-relay gets 200, of an unknown type no answer at all",
    source: "\(observed), INFO in a dialog"
  ) {
    $0.reactions.append(Reaction(.info, .inDialog, contentType: "application/dtmf-relay", status: 200))
    $0.reactions.append(Reaction(.info, .inDialog, status: nil))
  },
  Quirk(
    "line-matching", "a call from its registrar has to come to the registered Contact, line= included; others get 401",
    source: "Asterisk 22 documentation, line=yes; observed: Asterisk 22.10.1, unknown caller"
  ) {
    $0.behaviour.rules.append(BehaviourRule(.callFromStranger, answer: 401))
  },
  Quirk("register-lead", "a binding is refreshed 10 s before it expires", source: "\(observed), REGISTER 50 s after one of 60 s") {
    $0.calls.registrationLead = 10
  },
  Quirk(
    "media-back-before-bye", "direct media is taken back by re-INVITE, then a BYE without Reason",
    source: "\(observed), direct media"
  ) {
    $0.behaviour.rules.append(BehaviourRule(.hangUpWithDirectMedia, .takeMediaBack))
  },
]
