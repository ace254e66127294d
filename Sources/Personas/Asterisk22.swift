import CallControl
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SecureTransport

extension PersonaProfile {
  /// Asterisk 22 with chan_pjsip and PJSIP 2.17, near-default configuration, as it looks on the wire.
  ///
  /// Observed messages stand in `captures/observed/asterisk-22.10.1`; a test compares. The rest comes from its source code and defaults.
  public static let asterisk22 = PersonaProfile(
    id: "asterisk-22", summary: "Asterisk 22, chan_pjsip, UDP, TCP or TLS trunk with digest",
    quirks: asteriskHeaders + asteriskIdentifiers + asteriskResponses + asteriskSecurity + asteriskDescriptions + asteriskBehaviour)
}

private let observed = "observed: Asterisk 22.10.1"

private let asteriskHeaders = [
  Quirk("product-name", "User-Agent in requests, Server in responses", source: "\(observed), all messages") {
    $0.style.product = "Asterisk PBX 22.10.1"
  },
  Quirk("request-order", "Via first, Max-Forwards almost last", source: "\(observed), INVITE, BYE, OPTIONS, CANCEL") {
    $0.style.orders.append(
      HeaderOrder(
        .requests,
        [
          "Via", "From", "To", "Contact", "Call-ID", "CSeq", "Route", "Reason", "Allow", "Supported", "Require", "Session-Expires",
          "Min-SE", "P-Asserted-Identity", "Remote-Party-ID", "Max-Forwards", "User-Agent", "Authorization", "Proxy-Authorization",
          "Content-Type",
          "Content-Length",
        ]))
  },
  Quirk("register-order", "REGISTER has Contact and Expires behind CSeq", source: "\(observed), REGISTER") {
    $0.style.orders.append(
      HeaderOrder(
        .request(.register),
        [
          "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Expires", "Allow", "Max-Forwards", "User-Agent", "Authorization",
          "Proxy-Authorization", "Content-Length",
        ]))
  },
  Quirk("content-length-padding", "three spaces before the length of a body, two before a zero", source: "\(observed), all messages") {
    $0.style.contentLengthSpaces = [3, 2]
  },
  Quirk("via-rport-first", "rport is before branch in Via", source: "\(observed), all requests") { $0.style.rportBeforeBranch = true },
  Quirk("via-alias", "alias at the end of Via over TCP (RFC 5923)", source: "\(observed), INVITE over TCP") {
    $0.style.aliasOnStreams = true
  },
  Quirk("contact-user", "the user of a caller's Contact is the word asterisk", source: "\(observed), INVITE") {
    $0.style.contactUser = "asterisk"
  },
  Quirk("contact-transport-upper-case", "transport=TCP in Contact", source: "\(observed), INVITE over TCP") {
    $0.style.contactTransportIsUpperCase = true
  },
  Quirk("allow-list", "Allow as with all modules loaded", source: "\(observed), INVITE") {
    $0.style.allow = [
      .options, .register, .subscribe, .notify, .publish, .invite, .ack, .bye, .cancel, .update, .prack, .message, .info, .refer,
    ]
  },
  Quirk("supported-list", "Supported; histinfo in INVITEs of its own alone", source: "\(observed), INVITE and 200") {
    $0.style.supported = [["100rel", "timer", "replaces", "norefersub"]]
    $0.style.requestOptions = ["histinfo"]
  },
  Quirk("session-timer-headers", "Session-Expires without refresher, and Min-SE", source: "\(observed), INVITE") {
    $0.style.headers.append(StyledHeader("Session-Expires", "1800", requests: [.invite]))
    $0.style.headers.append(StyledHeader("Min-SE", "90", requests: [.invite]))
  },
  Quirk("register-allow", "REGISTER has Allow", source: "\(observed), REGISTER") { $0.style.allowInRegister = true },
  Quirk("ping-without-accept", "OPTIONS has neither Accept nor Allow", source: "\(observed), OPTIONS") {
    $0.style.options.hasAccept = false
  },
  Quirk("bye-reason", "BYE says Q.850;cause=16, without text", source: "\(observed), BYE") {
    $0.style.byeHeaders = [HeaderLine("Reason", "Q.850;cause=16")]
  },
  Quirk("cancel-reason", "CANCEL says Q.850;cause=16", source: "\(observed), CANCEL") {
    $0.style.cancelHeaders = [HeaderLine("Reason", "Q.850;cause=16")]
  },
  Quirk(
    "unacknowledged-bye-reason", "the BYE after a lost ACK says 408, with spaces before its semicolons",
    source: "\(observed), BYE after 32 s without ACK"
  ) {
    $0.style.unacknowledgedByeHeaders = [HeaderLine("Reason", "SIP ;cause=408 ;text=\"Request Timeout\"")]
  },
]

private let asteriskIdentifiers = [
  Quirk("call-id-uuid", "Call-ID is a UUID without host", source: "\(observed), INVITE, OPTIONS, REGISTER") { $0.style.callID = .uuid },
  Quirk("tag-uuid", "tags are UUIDs", source: "\(observed), all messages") { $0.style.tag = .uuid },
  Quirk("branch-uuid", "branches are z9hG4bKPj and a UUID", source: "\(observed), all requests") {
    $0.style.branchPrefix = "Pj"
    $0.style.branch = .uuid
  },
  Quirk("random-first-cseq", "the first CSeq is a random number", source: "\(observed), INVITE, OPTIONS, REGISTER; PJSIP 2.17 source") {
    $0.style.firstSequence = .random(upTo: 32_767)
    $0.style.firstSequenceOutside = .random(upTo: 65_535)
  },
  Quirk("cnonce-32", "cnonce has 32 hexadecimal digits", source: "\(observed), REGISTER and INVITE after 401") {
    $0.style.clientNonceLength = 32
  },
  Quirk(
    "ack-without-credentials", "the ACK of a 2xx has no Authorization, whatever RFC 3261 §13.2.2.4 says",
    source: "\(observed), ACK of an INVITE with credentials"
  ) {
    $0.style.acknowledgesWithCredentials = false
  },
  Quirk(
    "branch-as-tag", "responses that make no dialog take the request's branch as To tag",
    source: "\(observed), 401, 415, 420, 481, 501, OPTIONS"
  ) {
    $0.style.takesBranchAsTag = true
  },
  Quirk("register-line", "the Contact of REGISTER carries ;line= and seven letters", source: "\(observed), REGISTER with line=yes") {
    $0.style.registrationContactParameters = ";line={letters:7}"
  },
]

private let asteriskSecurity = [
  Quirk("tls-1-2", "TLS 1.2 and nothing else", source: "Asterisk documentation, pjsip.conf with method=tlsv1_2") {
    $0.tlsVersions = .tls12 ... .tls12
  }
]

private let asteriskDescriptions = [
  Quirk("sdp-names", "o=- and s=Asterisk", source: "\(observed), INVITE and 200") {
    $0.descriptions.originUser = "-"
    $0.descriptions.sessionName = "Asterisk"
  },
  Quirk("sdp-answer-origin", "an answer takes the offerer's session id, and its version plus 2", source: "\(observed), 200 to INVITE") {
    $0.descriptions.answerVersionStep = 2
  },
  Quirk("sdp-maxptime", "a=maxptime:140 after a=ptime:20", source: "\(observed), INVITE and 200") {
    $0.descriptions.maximumPacketTime = 140
  },
  Quirk("sdp-wide-events", "beside Opus a second telephone-event with the clock 48000, 102", source: "\(observed), INVITE with Opus") {
    $0.descriptions.wideEventPayloadType = 102
  },
  Quirk("sdp-answers-every", "an answer names every codec that both have", source: "\(observed), 200 to INVITE and to re-INVITE") {
    $0.answersEveryCodec = true
  },
  Quirk("sdp-opus", "Opus is 107, without a=fmtp, and a=maxptime is 60 beside it", source: "\(observed), INVITE with opus in allow=") {
    $0.descriptions.opusPayloadType = 107
    $0.descriptions.maximumPacketTimeWithOpus = 60
  },
  Quirk("sdp-reoffers-agreed", "a new offer names the agreed codec alone", source: "\(observed), re-INVITE and 200 to an empty re-INVITE") {
    $0.descriptions.reoffersAgreedCodec = true
  },
]
