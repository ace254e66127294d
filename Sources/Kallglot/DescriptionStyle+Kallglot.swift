import SDP

extension DescriptionStyle {
  /// How the endpoint writes its descriptions (contract 8.7).
  public static let kallglot = {
    var style = DescriptionStyle(originUser: "kallglot", sessionName: "kallglot")
    style.opusParameters = "useinbandfec=1;minptime=10"
    return style
  }()
}
