/// The two ends of a trunk between Asterisk and our endpoint.
enum Trunk {
  static func endpoint(_ scene: Scene, listen: String, tone: Int = 700, more: String = "") -> String {
    """
    listen: [\(listen)]
    account: { username: acme, password: s3cret-pass }
    sessions: [sess_demo]
    tone: \(tone) Hz
    \(more)
    """
  }

  /// Asterisk's side: transport, digest, where we are; its media on its own address.
  ///
  /// - Parameters:
  ///   - from: what its From is made of.
  ///   - more: further lines of the endpoint.
  ///   - us: our address when there are two of us; then with a name of its own, and the transport of the first one.
  static func pjsip(
    _ scene: Scene, transport: String, registers: Bool = false, codecs: String = "ulaw,alaw", from: String = "from_user=acme",
    more: String = "",
    us: String? = nil, named name: String = "kallglot"
  ) -> String {
    let (isFirst, us, port) = (us == nil, us ?? scene.us, transport == "tls" ? 5061 : 5060)
    let suffix = transport == "udp" ? "" : "\\;transport=\(transport)"
    let trust = transport == "tls" ? "ca_list_file=\(scene.folder)/serve/authority.pem\nverify_server=yes\nmethod=tlsv1_2" : ""
    let registration = """
      [\(name)-registration]
      type=registration
      transport=\(transport)
      outbound_auth=\(name)
      server_uri=sip:\(us):\(port)\(suffix)
      client_uri=sip:acme@\(us)
      expiration=3600
      contact_user=acme
      retry_interval=5
      max_random_initial_delay=1
      line=yes
      endpoint=\(name)
      """
    let bound = "[\(transport)]\ntype=transport\nprotocol=\(transport)\nbind=\(scene.them):\(port)\n\(trust)"
    return """
      \(isFirst ? bound : "")
      [\(name)]
      type=endpoint
      transport=\(transport)
      context=from-kallglot
      disallow=all
      allow=\(codecs)
      media_address=\(scene.them)
      bind_rtp_to_media_address=yes
      outbound_auth=\(name)
      aors=\(name)
      \(from)
      \(more)
      [\(name)]
      type=auth
      auth_type=userpass
      username=acme
      password=s3cret-pass
      [\(name)]
      type=aor
      contact=sip:\(us):\(port)\(suffix)
      \(registers ? registration : "")

      """
  }

  /// Asterisk knows our calls by their address.
  static func identify(_ scene: Scene, as name: String = "kallglot") -> String {
    "[\(name)-identify]\ntype=identify\nendpoint=\(name)\nmatch=\(scene.us)\n"
  }

  /// `kallglot-lab call` from our address.
  static func call(_ scene: Scene, _ extension: String, for duration: String = "3 s") async throws -> (code: Int32, output: String) {
    let path = try scene.write("address: \(scene.us)\n", to: "call.yaml")
    return try await program(
      Place.lab,
      ["call", "sip:\(`extension`)@\(scene.them)", "--config", path, "--for", duration, "--tone", "--out", "\(scene.folder)/call"])
  }
}
