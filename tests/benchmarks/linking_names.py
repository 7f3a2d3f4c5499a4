"""Names for the schools that the linking benchmark makes up: communities as they sit side by side in British schools, and what their people are called."""

from __future__ import annotations

from typing import NamedTuple


class Community(NamedTuple):
    """Names that go together; `share` is a weight."""

    share: int
    firsts: tuple[str, ...]
    lasts: tuple[str, ...]


def _community(share: int, firsts: str, lasts: str) -> Community:
    return Community(
        share,
        tuple(each.replace("_", " ") for each in firsts.split()),
        tuple(each.replace("_", " ") for each in lasts.split()),
    )


COMMUNITIES = (
    _community(  # English
        46,
        "Alfred Alice Amelia Andrew Anthony Arabella Archibald Benedict Benjamin Bethany Cameron Catherine Charlotte Christopher Daniel Dominic Edward"
        " Eleanor Elizabeth Emily Florence Francesca Frederick Gabriel George Georgina Gregory Harriet Henry Imogen Isabelle Jacob Jasmine Jennifer"
        " Jonathan Joseph Joshua Katherine Kimberley Laurence Leonard Lucas Madeleine Margaret Matilda Matthew Maximilian Michael Millicent Nathaniel"
        " Nicholas Oliver Olivia Patricia Penelope Philippa Rebecca Reginald Richard Robert Rosalind Rupert Samantha Samuel Sebastian Stephanie Stephen"
        " Susannah Theodore Thomas Timothy Tobias Victoria Vincent Wilfred Winifred Zachary Jessica Lily Grace Poppy Ruby Max Leo Freya Isla Evie Ella"
        " Holly Lauren Megan Molly Amy Jake Ryan Tyler Connor Kyle Jordan Toby Harvey",
        "Abbott Ackroyd Appleby Arkwright Atherton Attwood Bagshaw Bainbridge Barraclough Beaumont Bickerstaff Birtwistle Blackwell Boothroyd Bracegirdle"
        " Bradshaw Braithwaite Broadbent Buckingham Burrows Calvert Capstick Chadwick Clutterbuck Cartwright Crabtree Crossley Culpepper Dawkins Dearden"
        " Dewhurst Duckworth Eastwood Eccles Elphinstone Fairclough Fawcett Fielding Gaskell Goodfellow Greenhalgh Grimshaw Haddock Hardcastle Haworth"
        " Heaton Hebblethwaite Higginbottom Holroyd Horrocks Illingworth Ingham Kershaw Langridge Leatherbarrow Lockwood Longbottom Lovelace Mortimer"
        " Murgatroyd Naylor Nuttall Oldfield Openshaw Ormerod Pemberton Pickering Postlethwaite Ravenscroft Redfern Rigby Rushworth Satterthwaite"
        " Scargill Shackleton Shuttleworth Stapleton Sutcliffe Swindlehurst Tattersall Thackeray Threlfall Thwaite Tunnicliffe Unsworth Wadsworth"
        " Walmsley Wigglesworth Winstanley Woodhouse Worthington Wrigley Yardley Jenkins Foster Brooks Bailey Harrison Gibson Ellis Reid Kennedy Hughes",
    ),
    _community(
        6,
        "Aisling Bláthnaid Brendan Cathal Cormac Deirdre Dónal Éabha Fiadh Muireann Naoise Nuala Oisin Proinsias Ríona Ruairí Sadhbh Senan",
        "O'Callaghan O'Donnell O'Driscoll O'Shaughnessy MacNamara McGuinness McLoughlin Costello Dunphy Flaherty Hennessy Keogh Moynihan Tierney Mc_Cabe",
    ),
    _community(
        4,
        "Ailbeart Beathag Calum Coinneach Fionnlagh Isobel Lachlan Mairi Morag Struan Torquil Una",
        "MacAllister MacIntosh McAllan Mac_Kinnon McPherson Auchterlonie Balfour Drummond Farquharson Kinnaird Lockhart Urquhart Sutherland",
    ),
    _community(
        4,
        "Aneirin Bronwen Catrin Dyfan Emrys Gwenllian Heledd Idris Llewelyn Meirion Myfanwy Rhiannon Tegwen",
        "Bowen Cadwallader Gethin Griffiths Hopkin Llewelyn Meredith Penry Prosser Tudor Watkin Trahaearn",
    ),
    _community(
        7,
        "Aleksandra Agata Bartosz Dominika Ewelina Grzegorz Jadwiga Jagoda Katarzyna Krzysztof Maksymilian Mieczysław Natalia Piotr Przemysław Sławomir Tomasz Weronika Wiktoria Żaneta",
        "Adamczyk Baranowski Baranowska Borkowska Chmielewski Cieślak Gajewski Głowacka Jabłoński Jasińska Kaczmarek Krawczyk Kubiak Maciejewska Mazurek Ostrowska"
        " Pawłowski Piotrowska Przybylski Sikorska Sobczak Stępień Świątek Tomaszewska Urbański Wróblewska Zając Żak",
    ),
    _community(
        4,
        "Alexandru Bogdan Cătălin Cristina Dumitru Elena Gheorghe Ioan Loredana Mihai Mihaela Răzvan Ruxandra Ștefania Vasile",
        "Albu Bălan Călinescu Constantinescu Diaconu Dumitrescu Enache Lungu Munteanu Neagu Olteanu Rădulescu Stănescu Ștefănescu Ungureanu Văcărescu",
    ),
    _community(
        4,
        "Aylin Berk Burcu Cemre Çağla Deniz Ece Gökhan Gülsüm Hüseyin İlayda Kerem Melis Murat Özge Selin Şebnem Tolga Ümit Yağmur",
        "Acar Aksoy Bozkurt Çakır Erdoğan Güneş Işık Karaca Koç Korkmaz Özdemir Polat Sarı Şimşek Tekin Uçar Yıldırım Yıldız",
    ),
    _community(
        10,
        "Mohammed Muhammad Mohammad Abdullah Abdul-Aziz Ahmad Amira Asma Bushra Farah Fareed Habiba Haroon Idris Ismail Jameela Kareem Laiba Maariyah Mahnoor"
        " Nabeel Rania Rashid Ruqayyah Saad Samira Sana Sulaiman Sumayyah Tayyab Uzair Waleed Yahya Yousuf Zakariya Zara",
        "Abbas Aziz Al-Jaberi Al-Masri Bashir Butt Choudhury El-Amin Farooq Ghani Hashmi Hossain Jamil Karim Latif Mirza Mohammed Naseem Qureshi Rasheed Raza Saleh"
        " Sheikh Siddiqi Sultana Tariq Yasin Zaman",
    ),
    _community(
        7,
        "Aditya Akshay Amandeep Bhavesh Chandrika Deepika Divya Gurdeep Hardeep Harshini Ishaan Jaswinder Kamaljit Kavitha Kiran Manpreet Mandeep Navneet Nikhil"
        " Pooja Rajesh Rajvir Roshni Sandeep Satvinder Shreya Siddharth Sukhdeep Vikram Yashvi",
        "Agarwal Bains Bhatt Chauhan Chopra Desai Dhaliwal Gupta Joshi Kapoor Krishnan Kumar Mahal Mehta Mistry Nagra Pillai Purewal Rajan Rao Sangha Sehgal"
        " Subramaniam Thakkar Trivedi Varma Virdee Vyas",
    ),
    _community(
        6,
        "Abimbola Adebola Adekunle Babajide Chinonso Chinyere Damilola Ebunoluwa Emmanuella Ezinne Kehinde Nnamdi Obiageli Olumide Oluwafunke Oluwakemi Oluwatosin"
        " Onyinye Taiwo Temidayo Uchenna Yewande",
        "Abiola Achebe Adekoya Adesanya Afolabi Akinyemi Amadi Anyanwu Balogun Chukwu Ejiofor Falana Ibekwe Igwe Iwuchukwu Nnadi Obi Odunsi Ogunleye Okoro"
        " Olatunji Onyema Oyinlola Sowande Ugochukwu",
    ),
    _community(
        3,
        "Chenxi Haoran Jiaxin Junjie Lingyu Meiling Ruoxi Siu-Ming Tsz-Ching Wenjing Xiaoming Yuhan Zihan Ka-Yan",
        "Au-Yeung Chen Cheung Deng Fung Guo Huang Kwok Lam Leung Lin Liu Luo Ouyang Tang Tsang Yip Zhao Zheng Zhou",
    ),
    _community(
        4,
        "Afonso Bárbara Catarina Duarte Estêvão Fábio Guilherme Joana Leonor Matilde Miguel Rúben Simão Tatiana Vitória",
        "Almeida Azevedo Brandão Carvalho Costa_Pereira da_Cunha de_Sousa Figueiredo Guimarães Lourenço Mendonça Moura_Ribeiro Nóbrega Pinheiro Queirós Rebelo Simões Teixeira",
    ),
    _community(
        3,
        "Bảo_Châu Diễm Gia_Huy Khánh_Linh Lan_Anh Ngọc_Bích Phương Thanh_Tùng Tuấn Xuân",
        "Bùi Cao Đinh Đỗ Dương Hoàng Huỳnh Lương Ngô Phan Tô Trịnh Võ Vũ",
    ),
    _community(
        4,
        "Andriy Anastasiia Bohdan Daryna Dmytro Halyna Kateryna Khrystyna Kyrylo Liudmyla Maksym Mykhailo Nazar Oleksandr Oleksandra Serhii Solomiia Vasyl Yelyzaveta Yevhen Yuliia",
        "Bondarenko Boyko Hrytsenko Ivashchenko Kharchenko Kovalchuk Kravchenko Lysenko Marchenko Melnyk Moroz Petrenko Polishchuk Savchenko Tkachenko Tymoshenko Yakovenko Zhuk",
    ),
    _community(
        3,
        "Akua Afua Kwadwo Kwaku Nana_Yaw Yaa Esi Abena Xhemal Arta Besnik Drita",
        "Agyeman Ampofo Amoako Darko Osei Frimpong Opoku Quaye Hoxha Krasniqi Gashi Berisha",
    ),
)

CALLED = {
    "Alfred": "Alfie Fred", "Amelia": "Millie Amy", "Andrew": "Andy Drew", "Anthony": "Tony Ant", "Archibald": "Archie", "Benedict": "Ben", "Benjamin": "Ben Benji",
    "Bethany": "Beth", "Cameron": "Cam", "Catherine": "Cath Kate Cathy", "Charlotte": "Lottie Charlie", "Christopher": "Chris", "Daniel": "Dan Danny", "Dominic": "Dom",
    "Edward": "Ed Ted Eddie", "Eleanor": "Ellie Nell", "Elizabeth": "Lizzie Beth Libby", "Emily": "Em", "Florence": "Flo Florrie", "Francesca": "Fran Frankie Chess",
    "Frederick": "Freddie Fred", "Gabriel": "Gabe", "Georgina": "Georgie", "Gregory": "Greg", "Harriet": "Hattie", "Henry": "Harry", "Imogen": "Immy", "Isabelle": "Izzy Bella",
    "Jacob": "Jake", "Jennifer": "Jen Jenny", "Jonathan": "Jonny Jon", "Joseph": "Joe", "Joshua": "Josh", "Katherine": "Kate Kitty Kat", "Kimberley": "Kim", "Laurence": "Laurie Larry",
    "Leonard": "Lenny", "Madeleine": "Maddie", "Margaret": "Maggie Peggy", "Matilda": "Tilly", "Matthew": "Matt", "Maximilian": "Max", "Michael": "Mike Mikey", "Millicent": "Millie",
    "Nathaniel": "Nate Nathan", "Nicholas": "Nick", "Oliver": "Ollie", "Olivia": "Liv", "Patricia": "Tricia Pat", "Penelope": "Penny", "Philippa": "Pippa", "Rebecca": "Becky",
    "Reginald": "Reggie", "Richard": "Rich Dick", "Robert": "Rob Bobby", "Samantha": "Sam", "Samuel": "Sam", "Sebastian": "Seb", "Stephanie": "Steph", "Stephen": "Steve",
    "Susannah": "Sue Susie", "Theodore": "Theo Teddy", "Thomas": "Tom", "Timothy": "Tim", "Tobias": "Toby", "Victoria": "Vicky Tori", "Vincent": "Vinny", "Wilfred": "Wilf",
    "Winifred": "Winnie", "Zachary": "Zac", "Jessica": "Jess", "Mohammed": "Mo Muhammed Mohamed", "Muhammad": "Mo Mohammed Mohamad", "Mohammad": "Mo Muhammad",
    "Abdullah": "Abdul", "Sulaiman": "Suleman Sully", "Yousuf": "Yusuf Youssef", "Aleksandra": "Ola Alex", "Katarzyna": "Kasia", "Krzysztof": "Krzys Chris", "Maksymilian": "Maks Max",
    "Tomasz": "Tomek", "Piotr": "Peter", "Bartosz": "Bartek", "Agata": "Agatka", "Wiktoria": "Wika", "Grzegorz": "Greg", "Alexandru": "Alex", "Cristina": "Cris", "Mihai": "Mihaita",
    "Rajesh": "Raj", "Rajvir": "Raj", "Siddharth": "Sid", "Vikram": "Vik", "Sandeep": "Sandy", "Adebola": "Bola", "Babajide": "Jide", "Damilola": "Dami", "Oluwatosin": "Tosin",
    "Oluwakemi": "Kemi", "Oluwafunke": "Funke", "Temidayo": "Dayo", "Uchenna": "Uche", "Chinonso": "Nonso", "Guilherme": "Gui", "Catarina": "Cat", "Miguel": "Mike",
    "Oleksandr": "Sasha Alex", "Kateryna": "Katya Kate", "Anastasiia": "Nastya Anastasia", "Mykhailo": "Misha Michael", "Yelyzaveta": "Liza", "Dmytro": "Dima Dmitri", "Liudmyla": "Mila",
    "Xiaoming": "Ming Tony", "Meiling": "Mei May", "Siu-Ming": "Simon", "Lachlan": "Lachie", "Isobel": "Izzy", "Llewelyn": "Llew",
}  # fmt: skip

OTHERWISE = (
    ("ü", "ue"), ("ö", "oe"), ("ş", "sh"), ("Ş", "Sh"), ("ç", "ch"), ("Ç", "Ch"), ("ł", "l"), ("ś", "s"), ("ę", "e"), ("ó", "o"), ("ż", "z"), ("ğ", "g"), ("ı", "i"),
    ("kh", "h"), ("Kh", "H"), ("iia", "ia"), ("yi", "i"), ("shch", "sch"), ("Ye", "Ie"), ("Yu", "Iu"), ("Đ", "D"), ("ee", "i"), ("oo", "u"), ("ph", "f"),
    ("ck", "k"), ("th", "t"), ("ll", "l"), ("tt", "t"), ("mm", "m"), ("ey", "y"), ("ai", "ay"), ("ou", "u"), ("ei", "ie"),
)  # fmt: skip
"""Ways in which offices write a name that they heard, or that an older system could not hold."""
