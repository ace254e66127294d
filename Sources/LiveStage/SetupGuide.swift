import SIPMessage
import SIPTransport
import SansIO
import ScenarioModel

/// What a PBX has to be told to reach a served endpoint: ready configurations.
public enum SetupGuide {
  public static func lines(_ configuration: ServeConfiguration, _ account: ServeConfiguration.AccountGiven) -> [String] {
    let target =
      configuration.listeners.first { $0.transport == .tls } ?? configuration.listeners.first { $0.transport == .tcp }
      ?? configuration.listeners.first
    guard let target else { return [] }
    var lines = ["", "account   \(account.username)", "password  \(account.password)", "domain    \(configuration.domain)"]
    lines += ["", "--- Asterisk, pjsip.conf ---"] + asterisk(target, configuration.domain, account)
    lines += ["", "--- FreeSWITCH, gateway ---"] + gateway(target, configuration.domain, account)
    lines += ["", "--- Cisco Unified CM ---"] + callManager(target) + [""]
    return lines
  }

  private static func hostPort(_ target: TransportListener) -> String { target.address.description }

  private static func asterisk(_ target: TransportListener, _ domain: String, _ account: ServeConfiguration.AccountGiven) -> [String] {
    let transport = target.transport.rawValue
    let hop = "sip:\(hostPort(target))\\;transport=\(transport)\\;lr"
    return [
      "[lab-transport]", "type=transport", "protocol=\(transport)", "bind=0.0.0.0", "",
      "[lab-auth]", "type=auth", "auth_type=userpass", "username=\(account.username)", "password=\(account.password)", "",
      "[lab-aor]", "type=aor", "contact=sip:\(domain)", "outbound_proxy=\(hop)", "",
      "[lab]", "type=endpoint", "transport=lab-transport", "context=from-lab", "disallow=all", "allow=ulaw,alaw", "aors=lab-aor",
      "outbound_auth=lab-auth", "outbound_proxy=\(hop)", "from_user=\(account.username)", "from_domain=\(domain)",
    ]
  }

  private static func gateway(_ target: TransportListener, _ domain: String, _ account: ServeConfiguration.AccountGiven) -> [String] {
    [
      "<include>", "  <gateway name=\"kallglot-lab\">", "    <param name=\"username\" value=\"\(account.username)\"/>",
      "    <param name=\"password\" value=\"\(account.password)\"/>", "    <param name=\"realm\" value=\"\(domain)\"/>",
      "    <param name=\"from-domain\" value=\"\(domain)\"/>", "    <param name=\"proxy\" value=\"\(hostPort(target))\"/>",
      "    <param name=\"register\" value=\"false\"/>", "    <param name=\"register-transport\" value=\"\(target.transport.rawValue)\"/>",
      "  </gateway>", "</include>",
    ]
  }

  private static func callManager(_ target: TransportListener) -> [String] {
    [
      "1. System > Security > SIP Trunk Security Profile: transport type \(target.transport.viaToken), digest authentication off for incoming requests.",
      "2. User Management > SIP Realm: realm and the account's username and password from above.",
      "3. Device > Trunk > SIP Trunk: destination \(target.address.address) port \(target.address.port), that security profile, codec G.711.",
      "4. Call Routing > Route Pattern: send the test numbers to this trunk.",
    ]
  }
}
