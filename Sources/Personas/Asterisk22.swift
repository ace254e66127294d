import SDP
import SIPMessage
import SIPUserAgent

extension PersonaProfile {
  /// Asterisk 22 with chan_pjsip, as it looks on the wire.
  ///
  /// PRACK, UPDATE, session timers, SUBSCRIBE and REFER are in the real product's Allow and Supported; this persona does not speak them, so
  /// it does not claim them.
  public static let asterisk22 = PersonaProfile(
    id: "asterisk-22", summary: "Asterisk 22, chan_pjsip, UDP, TCP or TLS trunk with digest",
    style: MessageStyle(
      product: "Asterisk PBX 22.10.1~dfsg+~cs6.17.60671434-1",
      requestOrder: [
        "Via", "From", "To", "Contact", "Call-ID", "CSeq", "Allow", "Supported", "Max-Forwards", "User-Agent", "Authorization",
        "Content-Type", "Content-Length",
      ],
      responseOrder: [
        "Via", "Call-ID", "From", "To", "CSeq", "Server", "Contact", "Allow", "Supported", "Content-Type", "Content-Length",
      ],
      allow: [.options, .register, .invite, .ack, .bye, .cancel, .info], supported: [], callIDHasHost: false, callID: .uuid, tag: .uuid,
      branchPrefix: "Pj", branch: .uuid, firstSequence: .random(upTo: 32_000), contactUser: "asterisk", rportBeforeBranch: true,
      aliasOnStreams: true, contentLengthSpaces: [3, 2]),
    codecs: [.pcmu, .pcma], descriptions: DescriptionStyle(originUser: "-", sessionName: "Asterisk"),
    quirks: [
      Quirk("Via first, Max-Forwards after Supported", source: "observed: Asterisk 22.10.1, INVITE"),
      Quirk("rport before branch in Via; alias on TCP", source: "observed: Asterisk 22.10.1, INVITE over UDP and TCP"),
      Quirk("Content-Length padded: three spaces with a body, two before a zero", source: "observed: Asterisk 22.10.1"),
      Quirk("Call-ID and tags are bare UUIDs, branch z9hG4bKPj and a UUID", source: "observed: Asterisk 22.10.1"),
      Quirk("first CSeq is random below about 32,000", source: "observed: Asterisk 22.10.1"),
      Quirk("Contact user is the word asterisk", source: "observed: Asterisk 22.10.1"),
      Quirk("SDP: o=- … and s=Asterisk", source: "observed: Asterisk 22.10.1"),
    ])
}
