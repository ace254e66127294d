import SDP
import SansIO

/// `sip.conf` and `extensions.conf` for Asterisk's chan_sip, which Asterisk had up to version 20.
struct ChanSIPGuide {
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
        .init(path: "\(folder)/sip.conf", lines: general + peer),
        .init(path: "\(folder)/extensions.conf", lines: facts.asteriskDialplan("SIP/kallglot-lab/\(facts.callee)")),
      ] + facts.certificateParts(authority: authorityPath, own: ownPath))
  }

  private var authorityPath: String { "\(folder)/kallglot-lab-ca.pem" }
  private var ownPath: String { "\(folder)/kallglot-lab-asterisk.pem" }

  private var introduction: [String] {
    facts.introduction(
      "a trunk of Asterisk up to version 20 (chan_sip)",
      files: "Each part belongs at the end of the file that its 'file:' line names; "
        + "sip.conf has a [general] section already, to which this one adds.",
      first: ["chan_sip is loaded: 'load => chan_sip.so' in modules.conf, and no noload line for it."],
      then: ["asterisk -rx 'core restart now'; asterisk -rx 'sip show registry' says Registered."],
      try: "asterisk -rx 'channel originate SIP/kallglot-lab/\(facts.callee) application Echo'")
  }

  /// chan_sip has one address a transport for everything it does.
  private var general: [String] {
    var lines = ["[general](+)"]
    if let address = facts.sharedAddress {
      lines += [
        "; chan_sip has one address for all its peers. On the Lab's machine it must not be the Lab's own.",
        "udpbindaddr=\(TransportAddress(address, port: facts.isTLS ? facts.pbxPort &- 1 : facts.pbxPort))",
      ]
    }
    switch facts.listener.transport {
    case .tcp: lines += ["tcpenable=yes"] + (facts.sharedAddress == nil ? [] : ["tcpbindaddr=\(facts.pbxAddress)"])
    case .tls: lines += tls
    default: break
    }
    return lines + registration + [""]
  }

  private var tls: [String] {
    var lines: [String] = []
    if facts.pbxCertificate != nil {
      lines += ["tlsenable=yes", "tlscertfile=\(ownPath)"] + (facts.sharedAddress == nil ? [] : ["tlsbindaddr=\(facts.pbxAddress)"])
    }
    guard facts.authority != nil else {
      let hint = "; tlscafile= the authority of the Lab's certificate, and tlsdontverifyserver=no, authenticate the server."
      return lines + [hint, "tlsdontverifyserver=yes"]
    }
    return lines + ["tlscafile=\(authorityPath)", "tlsdontverifyserver=no"]
  }

  private var registration: [String] {
    let account = facts.account
    return [
      "; With registration: the Lab can call Asterisk wherever it is. Without: put a ';' before the next line.",
      "register => \(facts.transport)://\(account.username.asteriskValue)@\(facts.domain):\(account.password.asteriskValue)"
        + "@\(facts.listener.address)/\(SetupGuide.extensionName)",
    ]
  }

  private var codecs: String {
    facts.codecs.map { $0 == .pcma ? "alaw" : $0 == .pcmu ? "ulaw" : $0.rawValue.lowercased() }.joined(separator: ",")
  }

  private var peer: [String] {
    let (account, target) = (facts.account, facts.listener.address)
    return [
      "; Without registration the Lab's calls are known by their address: 'call sip:\(SetupGuide.extensionName)@ADDRESS' at serve.",
      "[kallglot-lab]", "type=peer", "host=\(target.address)", "port=\(target.port)", "transport=\(facts.transport)",
      "defaultuser=\(account.username.asteriskValue)", "fromuser=\(account.username.asteriskValue)", "fromdomain=\(facts.domain)",
      "remotesecret=\(account.password.asteriskValue)", "insecure=port,invite", "context=from-kallglot-lab", "disallow=all",
      "allow=\(codecs)", "directmedia=no", "qualify=yes",
    ]
  }
}
