import SansIO

/// A SIP profile of its own with the gateway in it, and two dialplan extensions, for FreeSWITCH.
///
/// The profile is its own since a stock `external` has `tls` off (`external_ssl_enable=false`), where mod_sofia refuses a gateway over TLS
/// ("unsupported transport", `INVALID_GATEWAY`), and the ports of the stock profiles may be the Lab's.
struct FreeSwitchGuide {
  private let facts: SetupGuide
  private let folder: String

  init(_ facts: SetupGuide, folder: String) {
    self.facts = facts
    self.folder = folder
  }

  var guide: GuideText {
    GuideText(
      marks: .xml, introduction: introduction,
      parts: [
        .init(path: "\(folder)/sip_profiles/kallglot-lab.xml", lines: profile),
        .init(path: "\(folder)/dialplan/public/kallglot-lab.xml", lines: fromLab),
        .init(path: "\(folder)/dialplan/default/kallglot-lab.xml", lines: toLab),
      ] + facts.certificateParts(authority: "\(certificates)/cafile.pem", own: "\(certificates)/agent.pem"))
  }

  /// A folder of its own, so that a stock one keeps its certificates; the names in it are sofia-sip's.
  private var certificates: String { "\(folder)/kallglot-lab-tls" }

  private var introduction: [String] {
    let ports = facts.isTLS ? "\(facts.pbxPort - 1) and \(facts.pbxPort)" : "\(facts.pbxPort)"
    return facts.introduction(
      "a gateway of FreeSWITCH", files: "Each part is a file of its own, at the place that its 'file:' line names.",
      first: ["mod_sofia is loaded (it is). The port \(ports) is free: the stock profiles use 5060 and 5080."],
      then: [
        "fs_cli -x reloadxml; fs_cli -x 'sofia profile kallglot-lab start';",
        "fs_cli -x 'sofia status gateway kallglot-lab' says REGED, or NOREG without registration.",
      ],
      try: "fs_cli -x 'originate sofia/gateway/kallglot-lab/\(facts.callee) &echo'")
  }

  private func parameter(_ name: String, _ value: String, _ indent: Int) -> String {
    String(repeating: " ", count: indent) + "<param name=\"\(name)\" value=\"\(value.xmlAttribute)\"/>"
  }

  private var profile: [String] {
    ["<profile name=\"kallglot-lab\">", "  <gateways>", "    <gateway name=\"kallglot-lab\">"] + gateway
      + ["    </gateway>", "  </gateways>", "  <settings>"] + settings + ["  </settings>", "</profile>"]
  }

  private var gateway: [String] {
    let target = facts.listener.address
    return [
      parameter("username", facts.account.username, 6), parameter("password", facts.account.password, 6),
      parameter("realm", facts.domain, 6), parameter("from-domain", facts.domain, 6), parameter("proxy", "\(target)", 6),
      parameter("register-proxy", "\(target);transport=\(facts.transport)", 6), parameter("register-transport", facts.transport, 6),
      "      <!-- true: the Lab can call FreeSWITCH wherever it is. false: without registration. -->",
      parameter("register", "true", 6), parameter("expire-seconds", "3600", 6), parameter("retry-seconds", "30", 6),
      parameter("extension", SetupGuide.extensionName, 6), parameter("extension-in-contact", "true", 6),
    ]
  }

  private var settings: [String] {
    let own = facts.sharedAddress.map { "\($0)" } ?? "$${local_ip_v4}"
    let codecs = facts.codecs.map(\.rawValue).joined(separator: ",")
    var lines = [
      parameter("sip-ip", own, 4), parameter("rtp-ip", own, 4),
      parameter("sip-port", "\(facts.isTLS ? facts.pbxPort - 1 : facts.pbxPort)", 4),
      parameter("context", "public", 4), parameter("dialplan", "XML", 4), parameter("auth-calls", "false", 4),
      parameter("inbound-codec-prefs", codecs, 4), parameter("outbound-codec-prefs", codecs, 4), parameter("rtp-timer-name", "soft", 4),
      parameter("manage-presence", "false", 4),
    ]
    guard facts.isTLS else { return lines }
    lines += [
      parameter("tls", "true", 4), parameter("tls-sip-port", "\(facts.pbxPort)", 4), parameter("tls-version", "tlsv1.2", 4),
      "    <!-- 'out' checks the Lab's certificate by the authority in cafile.pem. -->", parameter("tls-verify-policy", "none", 4),
    ]
    if facts.pbxCertificate != nil { lines.append(parameter("tls-cert-dir", certificates, 4)) }
    return lines
  }

  /// An echo shows that both directions are heard.
  private var fromLab: [String] {
    [
      "<include>", "  <extension name=\"from-kallglot-lab\">",
      "    <condition field=\"destination_number\" expression=\"^\(SetupGuide.extensionName)$\">", "      <action application=\"answer\"/>",
      "      <action application=\"echo\"/>", "    </condition>", "  </extension>", "</include>",
    ]
  }

  private var toLab: [String] {
    [
      "<include>", "  <extension name=\"to-kallglot-lab\">",
      "    <condition field=\"destination_number\" expression=\"^\(SetupGuide.testNumber)$\">",
      "      <action application=\"bridge\" data=\"sofia/gateway/kallglot-lab/\(facts.callee.xmlAttribute)\"/>", "    </condition>",
      "  </extension>", "</include>",
    ]
  }
}
