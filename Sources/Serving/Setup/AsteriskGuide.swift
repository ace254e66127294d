import SDP
import SansIO

/// `pjsip.conf` and `extensions.conf` for Asterisk's chan_pjsip.
struct AsteriskGuide {
  private let facts: SetupGuide
  private let folder: String

  init(_ facts: SetupGuide, folder: String) {
    self.facts = facts
    self.folder = folder
  }

  var guide: GuideText {
    GuideText(
      marks: .semicolon, introduction: introduction,
      parts: [
        .init(path: "\(folder)/pjsip.conf", lines: transport + endpoint + registration + identification),
        .init(path: "\(folder)/extensions.conf", lines: facts.asteriskDialplan("PJSIP/\(facts.callee)@kallglot-lab")),
      ] + facts.certificateParts(authority: authorityPath, own: ownPath))
  }

  private var authorityPath: String { "\(folder)/kallglot-lab-ca.pem" }
  private var ownPath: String { "\(folder)/kallglot-lab-asterisk.pem" }

  private var introduction: [String] {
    facts.introduction(
      "a trunk of Asterisk (chan_pjsip)", files: "Each part belongs at the end of the file that its 'file:' line names.",
      first: [
        "chan_pjsip and res_pjsip_outbound_registration are loaded (asterisk -rx 'module show like pjsip'); they are, unless",
        "modules.conf has a noload line for them. \(facts.pbxAddress) is free: no other transport of Asterisk has that port.",
      ],
      then: [
        "asterisk -rx 'core restart now' (a new transport is not opened by a reload);",
        "asterisk -rx 'pjsip show registrations' says Registered.",
      ],
      try: "asterisk -rx 'channel originate PJSIP/\(facts.callee)@kallglot-lab application Echo'")
  }

  private var hop: String { "sip:\(facts.listener.address)\\;transport=\(facts.transport)\\;lr" }

  private var transport: [String] {
    var lines = ["[kallglot-lab-transport]", "type=transport", "protocol=\(facts.transport)", "bind=\(facts.pbxAddress)"]
    guard facts.isTLS else { return lines + [""] }
    lines.append("method=tlsv1_2")
    if facts.authority != nil {
      lines += ["ca_list_file=\(authorityPath)", "verify_server=yes"]
    } else {
      lines += [
        "; ca_list_file= the authority of the Lab's certificate, and verify_server=yes, authenticate the server.", "verify_server=no",
      ]
    }
    lines +=
      facts.pbxCertificate != nil
      ? ["cert_file=\(ownPath)", "priv_key_file=\(ownPath)"]
      : ["; Without cert_file= and priv_key_file= Asterisk cannot be called over TLS.", ";cert_file=", ";priv_key_file="]
    return lines + [""]
  }

  private var codecs: String {
    facts.codecs.map { codec in
      switch codec {
      case .pcmu: "ulaw"
      case .pcma: "alaw"
      case .g722: "g722"
      case .opus: "opus"
      }
    }.joined(separator: ",")
  }

  /// By DTLS (RFC 5763) where our offers ask for it; else by keys in the SDP (RFC 4568), which TLS hides: with "optimistic" Asterisk offers
  /// RTP/AVP with them (RFC 8643), and takes calls without.
  private var srtp: [String] {
    if facts.offersDTLS {
      return [
        "media_encryption=dtls", "dtls_auto_generate_cert=yes", "dtls_verify=fingerprint", "dtls_setup=actpass", "dtls_fingerprint=SHA-256",
      ]
    }
    guard facts.requiresSRTP || facts.isTLS else { return [] }
    return facts.requiresSRTP ? ["media_encryption=sdes"] : ["media_encryption=sdes", "media_encryption_optimistic=yes"]
  }

  private var endpoint: [String] {
    let user = facts.account.username.asteriskValue
    var lines = [
      "[kallglot-lab]", "type=endpoint", "transport=kallglot-lab-transport", "context=from-kallglot-lab", "disallow=all",
      "allow=\(codecs)", "aors=kallglot-lab", "outbound_auth=kallglot-lab", "outbound_proxy=\(hop)", "from_user=\(user)",
      "from_domain=\(facts.domain)",
    ]
    lines += srtp
    if let address = facts.sharedAddress { lines += ["media_address=\(address)", "bind_rtp_to_media_address=yes"] }
    return lines + [
      "", "[kallglot-lab]", "type=auth", "auth_type=userpass", "username=\(user)", "password=\(facts.account.password.asteriskValue)",
      "", "[kallglot-lab]", "type=aor", "contact=sip:\(facts.domain)", "",
    ]
  }

  private var registration: [String] {
    let user = facts.account.username.asteriskValue
    return [
      "; With registration: the Lab can call Asterisk wherever it is. Without: put a ';' before each line of this section.",
      "[kallglot-lab-registration]", "type=registration", "transport=kallglot-lab-transport", "outbound_auth=kallglot-lab",
      "outbound_proxy=\(hop)", "server_uri=sip:\(facts.domain)", "client_uri=sip:\(user)@\(facts.domain)",
      "contact_user=\(SetupGuide.extensionName)", "expiration=3600", "retry_interval=10", "max_random_initial_delay=1", "line=yes",
      "endpoint=kallglot-lab", "",
    ]
  }

  private var identification: [String] {
    [
      "; Without registration: take the ';' from the next four lines. Then every request from the Lab's address belongs to this "
        + "endpoint, and",
      "; at serve 'call sip:\(SetupGuide.extensionName)@ADDRESS:\(facts.pbxPort);transport=\(facts.transport)' reaches Asterisk.",
      ";[kallglot-lab-identify]", ";type=identify", ";endpoint=kallglot-lab", ";match=\(facts.listener.address.address)",
    ]
  }
}
