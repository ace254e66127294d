import SansIO

/// Steps for the administrator of a Cisco Unified CM, which has no configuration file to paste.
struct CallManagerGuide {
  private let facts: SetupGuide
  private let folder: String

  init(_ facts: SetupGuide, folder: String) {
    self.facts = facts
    self.folder = folder
  }

  var guide: GuideText {
    // CM has a certificate of its own.
    let parts = Array(facts.certificateParts(authority: authorityPath, own: "").prefix(1))
    return GuideText(marks: .none, introduction: opening + numbered + [""] + facts.sessionNote, parts: parts)
  }

  private var authorityPath: String { folder == "." ? "kallglot-lab-ca.pem" : "\(folder)/kallglot-lab-ca.pem" }
  private var target: TransportAddress { facts.listener.address }

  private var opening: [String] {
    var lines = [
      facts.title("a SIP trunk of Cisco Unified CM"), "",
      "A trunk of CM never registers: it calls the Lab and answers its digest challenge; the Lab calls CM by",
      "'call sip:NUMBER@CM-ADDRESS;transport=\(facts.transport)' at serve. 'call \(facts.account.username)' finds no registration.",
    ]
    if facts.sharedAddress != nil {
      lines.append(
        "CM is another machine: start serve with --listen '\(facts.transport) ADDRESS:\(target.port)', an address that CM can reach.")
    }
    return lines + [""]
  }

  private var numbered: [String] {
    (certificates + security + trunk).enumerated().flatMap { index, step in
      step.enumerated().map { line, text in (line == 0 ? "\(index + 1). " : "   ") + text }
    }
  }

  private var certificates: [[String]] {
    guard facts.isTLS else { return [] }
    let file = facts.authority == nil ? "the certificate of the authority that signed the Lab's" : "\(authorityPath) (its text is below)"
    return [
      [
        "Cisco Unified OS Administration > Security > Certificate Management > Upload Certificate/Certificate chain:",
        "purpose CallManager-trust, file \(file).",
        "Then restart the Cisco CallManager service: Cisco Unified Serviceability > Tools > Control Center - Feature Services.",
      ],
      [
        "The cluster has to be in mixed mode for an encrypted trunk profile: 'show ctl' in the CLI says so,",
        "'utils ctl set-cluster mixed-mode' sets it.",
      ],
    ]
  }

  private var security: [[String]] {
    let name = "Kallglot Lab \(facts.listener.transport.viaToken)"
    let mode =
      facts.isTLS
      ? [
        "device security mode Encrypted, incoming and outgoing transport type TLS, X.509 Subject Name \(facts.domain),",
        "incoming port \(facts.pbxPort),",
      ]
      : [
        "device security mode Non Secure, incoming transport type TCP+UDP, outgoing transport type \(facts.listener.transport.viaToken),",
        "incoming port 5060,",
      ]
    return [
      ["System > Security > SIP Trunk Security Profile > Add New: name '\(name)',"] + mode
        + ["Enable Digest Authentication off (it would challenge the Lab's calls)."],
      [
        "User Management > User Settings > SIP Realm > Add New: realm '\(facts.domain)', user '\(facts.account.username)',",
        "digest credentials '\(facts.account.password)'.",
      ],
    ]
  }

  private var trunk: [[String]] {
    [
      [
        "Device > Trunk > Add New: type SIP Trunk, destination address \(target.address), destination port \(target.port),",
        "the SIP trunk security profile of above, SIP profile Standard SIP Profile\(facts.isTLS ? ", SRTP Allowed off" : ""),",
        "a device pool whose region allows \(facts.codecs.map(\.rawValue).joined(separator: ", ")). Save, then Reset.",
      ],
      [
        "Call Routing > Route/Hunt > Route Pattern > Add New: pattern \(SetupGuide.testNumber), gateway/route list: this trunk.",
        "To reach '\(facts.callee)' itself: Call Routing > SIP Route Pattern with the domain \(facts.domain) and this trunk, and dial "
          + "the URI.",
      ],
      ["Call \(SetupGuide.testNumber) from a phone: serve's log shows the INVITE, the digest challenge and the answer."],
    ]
  }
}
