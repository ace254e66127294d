import CallControl
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SecureTransport

extension PersonaProfile {
  /// Cisco Unified Communications Manager 14 on a SIP trunk with default SIP profile: delayed offer, no MTP.
  ///
  /// Nobody observed it here: everything comes from published traces and Cisco's documents.
  public static let cucm14 = PersonaProfile(
    id: "cucm-14-trunk", summary: "Cisco CUCM 14 SIP trunk: delayed offer, hold by an empty re-INVITE",
    quirks: cucmHeaders + cucmIdentifiers + cucmSecurity + cucmDescriptions + cucmBehaviour)
}

private let cucmHeaders = [
  Quirk("product-name", "User-Agent in requests, Server in responses", source: "CUCM 11.5 trace T18, CUCM 10.5 trace T1") {
    $0.style.product = "Cisco-CUCM14.0"
  },
  Quirk(
    "request-order", "Date behind To, CSeq behind Allow, Contact and Max-Forwards almost last",
    source: "CUCM 10.5 and 11.5 trace T1, CUCM 12.5 trace T3, OPTIONS ping trace T20"
  ) {
    $0.style.orders.append(
      HeaderOrder(
        .requests,
        [
          "Via", "Route", "From", "To", "Date", "Call-ID", "Supported", "Min-SE", "User-Agent", "Allow", "CSeq", "Expires", "Allow-Events",
          "Supported", "Call-Info", "Session-ID", "Cisco-Guid", "Session-Expires", "P-Asserted-Identity", "Remote-Party-ID", "Contact",
          "Max-Forwards", "Content-Type", "Content-Length",
        ]))
  },
  Quirk("allow-list", "Allow, the same in all releases", source: "CUCM 10.5 to 12.5 traces T1, T3, T16") {
    $0.style.allow = [.invite, .options, .info, .bye, .cancel, .ack, .prack, .update, .refer, .subscribe, .notify]
  },
  Quirk("two-supported", "two Supported headers, no space after the commas", source: "CUCM 10.5 trace T1, CUCM 12.5 trace T3") {
    $0.style.supported = [["timer", "resource-priority", "replaces"], ["X-cisco-srtp-fallback"]]
    $0.style.optionSeparator = ","
  },
  Quirk("double-spaced-timers", "two spaces in Session-Expires and Min-SE", source: "CUCM 10.5 trace T1, CUCM 11.5 trace T18") {
    $0.style.headers.append(StyledHeader("Min-SE", "1800", requests: [.invite], separator: ":  "))
    $0.style.headers.append(StyledHeader("Session-Expires", "1800", requests: [.invite], separator: ":  "))
  },
  Quirk("date", "Date in requests and responses", source: "CUCM 10.5 trace T1") {
    let methods: [SIPMethod] = [.invite, .ack, .bye, .options]
    $0.style.headers.append(StyledHeader("Date", "{date}", requests: methods, responses: methods))
  },
  Quirk("expires-180", "Expires: 180 in every INVITE, re-INVITEs too", source: "CUCM 10.5 trace T1") {
    $0.style.headers.append(StyledHeader("Expires", "180", requests: [.invite]))
  },
  Quirk("allow-events", "Allow-Events: presence, kpml", source: "CUCM 10.5 trace T1") {
    $0.style.headers.append(StyledHeader("Allow-Events", "presence, kpml", requests: [.invite]))
  },
  Quirk("call-info", "Call-Info offers DTMF by NOTIFY", source: "CUCM 10.5 trace T1") {
    let value = "<sip:{ip}:5060>;method=\"NOTIFY;Event=telephone-event;Duration=500\""
    $0.style.headers.append(StyledHeader("Call-Info", value, requests: [.invite]))
  },
  Quirk("cisco-guid", "Cisco-Guid: four numbers of ten digits", source: "CUCM 10.5 trace T1") {
    let value = "{digits:10}-{digits:10}-{digits:10}-{digits:10}"
    $0.style.headers.append(StyledHeader("Cisco-Guid", value, requests: [.invite], isOfCall: true))
  },
  Quirk(
    "session-id", "Session-ID with a remote of zeros in the INVITE, the same in the BYE",
    source: "CUCM 11.5 trace T1, CUCM trace T19"
  ) {
    let value = "{hex:32};remote=\(String(repeating: "0", count: 32))"
    $0.style.headers.append(StyledHeader("Session-ID", value, requests: [.invite, .bye], isOfCall: true))
  },
  Quirk("asserted-identity", "P-Asserted-Identity in INVITE and BYE", source: "CUCM 12.5 trace T3, CUCM trace T19") {
    $0.style.headers.append(StyledHeader("P-Asserted-Identity", "<sip:{user}@{ip}>", requests: [.invite, .bye]))
  },
  Quirk("remote-party-id", "Remote-Party-ID beside P-Asserted-Identity", source: "CUCM 12.5 trace T3") {
    let value = "<sip:{user}@{ip}>;party=calling;screen=yes;privacy=off"
    $0.style.headers.append(StyledHeader("Remote-Party-ID", value, requests: [.invite]))
  },
  Quirk("contact-device", "the device's name as a Contact parameter, with ! in its name", source: "CUCM 10.5 trace T16") {
    $0.style.contactParameters = ";+u.sip!devicename.ccm.cisco.com=\"SEP0022905C7710\""
  },
  Quirk(
    "ping-without-user", "OPTIONS comes from an address without user",
    source: "CUCM OPTIONS ping trace T20, CUCM 9.0 Administration Guide"
  ) {
    $0.style.options.hasUser = false
    $0.style.options.hasAccept = false
  },
  Quirk("ping-max-forwards-0", "OPTIONS has Max-Forwards: 0", source: "CUCM OPTIONS ping trace T20") { $0.style.options.maxForwards = 0 },
  Quirk("bye-reason", "BYE says Q.850;cause=16", source: "CUCM trace T19") {
    $0.style.byeHeaders = [HeaderLine("Reason", "Q.850;cause=16")]
  },
]

private let cucmIdentifiers = [
  Quirk(
    "call-id", "Call-ID ends in a counter and the node's address, its bytes from last to first",
    source: "CUCM 7.1 trace T2, CUCM 10.5 trace T1"
  ) {
    $0.style.callID = .template("{hex:8}-{hex:8}-{counter}-{ip-reversed}@{ip}")
  },
  Quirk("tag", "tags are a number, a tilde, a UUID and a number", source: "CUCM 10.5 trace T1") {
    $0.style.tag = .template("{number:5}~{uuid}-{number:8}")
  },
  Quirk("branch", "branches are z9hG4bK and 10 to 14 hexadecimal digits", source: "CUCM 7.1 trace T2, CUCM 10.5 trace T1") {
    $0.style.branch = .template("{hex:10-14}")
  },
  Quirk("cseq-101", "CSeq begins at 101 in every dialog and in every OPTIONS", source: "CUCM 10.5 trace T1, CUCM OPTIONS ping trace T20") {
    $0.style.firstSequence = .fixed(101)
  },
]

private let cucmSecurity = [
  Quirk("tls-1-2", "TLS 1.2 and nothing else", source: "Cisco's Security Guide for CUCM 14, minimum TLS version") {
    $0.tlsVersions = .tls12 ... .tls12
  }
]

private let cucmDescriptions = [
  Quirk("sdp-names", "o=CiscoSystemsCCM-SIP with version 1, s=SIP Call", source: "CUCM 10.5 trace T1") {
    $0.descriptions.originUser = "CiscoSystemsCCM-SIP"
    $0.descriptions.sessionName = "SIP Call"
    $0.descriptions.firstVersion = 1
  },
  Quirk("sdp-origin-node", "o= names the node, c= the phone", source: "CUCM 10.5 trace T1") { $0.calls.originIsSignalling = true },
  Quirk("sdp-answer-bandwidth", "b=TIAS and b=AS in answers", source: "CUCM 10.5 trace T1") {
    $0.descriptions.answerBandwidths = ["TIAS:64000", "AS:64"]
  },
  Quirk("sdp-direction-place", "the direction is between the rtpmap of the codec and that of telephone-event", source: "CUCM 10.5 trace T1")
  {
    $0.descriptions.putsDirectionBeforeEvents = true
  },
  Quirk("sdp-events-0-15", "telephone-event 101 with 0-15", source: "CUCM 10.5 trace T1") { $0.descriptions.events = "0-15" },
]

private let cucmBehaviour = [
  Quirk("delayed-offer", "INVITE without SDP; the ACK answers our offer", source: "Cisco technical note 116009; CUCM 7.1 trace T2") {
    $0.behaviour.rules.append(BehaviourRule(.callPlaced, .delayOffer))
  },
  Quirk(
    "hold-by-music", "hold: inactive, then an empty re-INVITE whose ACK answers sendonly from the music server",
    source: "Cisco music-on-hold troubleshooting note; CUCM 10.5 trace T16"
  ) {
    $0.calls.hold = .music
  },
  Quirk("bye-statistics", "BYE reports the RTP of the call in P-RTP-Stat", source: "CUCM trace T19") {
    $0.behaviour.rules.append(BehaviourRule(.bye, .reportMedia))
  },
  Quirk("notify-digits", "takes DTMF by unsolicited NOTIFY", source: "CUCM 12.5 trace T3, Call-Info of its INVITE") {
    $0.reactions.append(Reaction(.notify, .inDialog, status: 200))
  },
]
