"""Names as they are read out in an English school: communities with their shares, and the names that break programs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Community:
    """Names that go together; `share` is a weight, not a census figure."""

    share: int
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    surnames: tuple[str, ...]


def _community(share: int, girls: str, boys: str, surnames: str) -> Community:
    return Community(share, _words(girls), _words(boys), _words(surnames))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


COMMUNITIES = (
    _community(  # British
        52,
        "Olivia Amelia Isla Ava Ivy Freya Lily Florence Mia Willow Rosie Sophia Isabella Grace Daisy Sienna Poppy Elsie Emily Ella Evelyn Phoebe"
        " Evie Charlotte Harper Millie Matilda Maisie Emma Alice Ruby Zoë Chloé Eleanor Imogen Jessica Lucy Holly Molly Abigail Anne-Marie Lily-Mae"
        " Ellie-Mae Beatrice Harriet Hannah Megan Lauren Georgia Amy Bethany Katherine Samantha Rebecca Scarlett Heidi Nancy Martha Summer Robyn Beth",
        "Noah Oliver George Arthur Muhammad Leo Harry Oscar Archie Henry Theodore Freddie Jack Charlie Theo Alfie Jacob Thomas Finley Arlo William"
        " Lucas Tommy Isaac Max Joshua James Benjamin Samuel Daniel Joseph Edward Alexander Toby Reuben Jude Louis Albert Ralph Hugo Rupert"
        " Jean-Luc Zachary Luke Adam Nathan Connor Ryan Kieran Lewis Callum Bradley Elliot Dylan Jake Harvey Owen Jamie Stanley Frank Ted",
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke"
        " Clark Harris Lewis Turner Cooper Hill Ward Moore Baker Martin Morris Cook Bell Lee Allen Carter Parker Bennett Young Shaw Marshall Collins"
        " Simpson Price Anderson Watson Barnes Fisher Mills Lloyd Palmer Chapman Dixon Gray Webb Holmes Hunt Knight Ashworth Featherstonehaugh"
        " Ramsbottom Winterbottom Hargreaves Butterworth Pickles Thistlethwaite Sidebotham Entwistle Heathcote St_John Le_Grand de_Havilland Hope Rose",
    ),
    _community(  # Irish
        5,
        "Aoife Niamh Saoirse Ciara Róisín Caoimhe Siobhán Orla Sinéad Gráinne Bríd Clodagh",
        "Seán Cian Oisín Conor Darragh Pádraig Eoin Fionn Rory Declan Tadhg Ciarán",
        "O'Brien O'Connor O'Sullivan O'Neill Murphy Kelly Byrne Ryan Doyle McCarthy Gallagher Ó_Súilleabháin O’Reilly Fitzgerald Brennan Ní_Dhomhnaill",
    ),
    _community(  # Welsh
        3,
        "Siân Cerys Ffion Angharad Carys Eleri Lowri Nia Mali Efa",
        "Rhys Dafydd Iwan Gethin Llŷr Owain Ieuan Macsen Siôn Tomos",
        "Llewellyn Gwyn ap_Rhys Pugh Rees Prytherch Bevan Gruffydd Cadwaladr Vaughan",
    ),
    _community(  # Scottish
        3,
        "Eilidh Catriona Iona Mhairi Ailsa Kirsty",
        "Hamish Angus Callum Alasdair Fraser Ruaridh",
        "MacDonald McKenzie MacLeod Campbell Ferguson MacGregor Mac_an_t-Saoir Colquhoun Dalziel Menzies",
    ),
    _community(  # Pakistani and Bangladeshi
        9,
        "Aisha Fatima Zainab Maryam Ayesha Khadija Hafsa Safiya Sumaiya Iqra Amina Anisa Nusrat Tahmina",
        "Mohammed Muhammad Ibrahim Yusuf Hamza Ali Umar Bilal Hassan Mustafa Zayn Ayaan Md_Rahim Abdul_Karim",
        "Khan Ahmed Hussain Ali Begum Iqbal Malik Mahmood Akhtar Miah Rahman Chowdhury Uddin Khatun Shah ul-Haq Bibi Siddiqui",
    ),
    _community(  # Indian and Sri Lankan
        7,
        "Priya Ananya Diya Harpreet Simran Jasleen Kavya Meera Riya Anushka Lakshmi Gurleen Tharshini",
        "Arjun Aarav Rohan Harjit Gurpreet Jaspal Vivaan Krishna Dev Sai Karthik Amarpreet Pradeep",
        "Patel Singh Kaur Sharma Shah Gill Sandhu Dhillon Nair Iyer Reddy Balasubramaniam Sivananthan Thirunavukkarasu Venkataraman Grewal Jeyakumar",
    ),
    _community(  # Polish and other East European
        5,
        "Zofia Julia Oliwia Maja Zuzanna Hanna Małgorzata Agnieszka Łucja Ioana Mădălina Živilė Oksana",
        "Jakub Kacper Filip Szymon Łukasz Michał Wojciech Paweł Stanisław Ștefan Andrei Žygimantas Yaroslav",
        "Kowalski Kowalska Nowak Wiśniewski Wójcik Kamińska Lewandowski Zieliński Szymańska Woźniak Dąbrowski Błaszczykowski Popescu Ionescu"
        " Țurcanu Kazlauskas Šimkus Novák Dvořáková Shevchenko",
    ),
    _community(  # Nigerian and Ghanaian
        5,
        "Chiamaka Adaeze Temitope Folasade Ngozi Chidinma Oluwaseun Ama Akosua Efua Ifeoluwa Blessing",
        "Chukwuemeka Oluwadamilare Emeka Tobechukwu Ayodeji Kwame Kofi Kwabena Obinna Femi Ikechukwu Emmanuel",
        "Okafor Adeyemi Okonkwo Olawale Eze Nwosu Adebayo Oyelaran Mensah Boateng Owusu Asante-Yeboah Onyekachukwu Ogunbanjo Oluwafemi-Adewale",
    ),
    _community(  # Caribbean
        3,
        "Shanice Tiana Keisha Jada Aaliyah Renée D'Andra",
        "Tyrell Jermaine Andre Marlon Kai Malachi D'Shaun",
        "Campbell Francis Grant Joseph Henry-Baptiste St._Clair Bailey Beckford McFarlane Da_Costa",
    ),
    _community(  # Turkish, Kurdish and Cypriot
        3,
        "Elif Zeynep Ayşe Defne İrem Gülşen Şeyma",
        "Emre Mehmet Yiğit Ömer Çağrı Barış İsmail",
        "Yılmaz Kaya Demir Çelik Şahin Öztürk Aydın Kılıç Arslan Doğan",
    ),
    _community(  # Greek
        2,
        "Eleni Maria Katerina Despina Αθηνά",
        "Giorgos Nikolaos Konstantinos Andreas Γιώργος",
        "Papadopoulos Papadopoulou Georgiou Christodoulou Hadjigeorgiou Παπαδόπουλος Charalambous",
    ),
    _community(  # Portuguese, Brazilian and Spanish
        3,
        "Beatriz Inês Conceição Mariana Lúcia Sofía Begoña",
        "João Tomás Gonçalo José Ángel Iñigo Luís",
        "Silva Santos Gonçalves Ferreira dos_Santos da_Conceição Araújo García Núñez Magalhães de_la_Cruz Peña",
    ),
    _community(  # Arabic and Persian
        3,
        "Layla Nour Salma Yasmin Maha Parisa فاطمة",
        "Omar Khaled Abdul-Rahman Mahmoud Tariq Reza Yousef",
        "Al-Hassan El-Sayed Abdullah Haddad bin_Rashid Al_Maktoum Mansour Ebrahimi Tehrani al-Khwarizmi",
    ),
    _community(  # Vietnamese and Chinese
        3,
        "Thảo Hương Mỹ_Linh Mei Xin_Yi Wing-Yan 美玲",
        "Đức Quốc_Anh Minh Wei Hao Ka-Ho Chun_Kit",
        "Nguyễn Trần Đặng Phạm Lê Wong Chan Li Ng Wu Zhang O Xu Ho",
    ),
    _community(  # Somali and Eritrean
        2,
        "Hodan Ifrah Ubah Saba Luwam",
        "Abdirahman Abdi Liban Yonas Robel",
        "Abdi Warsame Farah Mohamud Ghebremeskel Tesfay Jama",
    ),
)

PET_NAMES = {
    "Abigail": "Abbie",
    "Alexander": "Alex",
    "Benjamin": "Ben",
    "Charlotte": "Lottie",
    "Daniel": "Danny",
    "Edward": "Ted",
    "Eleanor": "Ellie",
    "Isabella": "Bella",
    "Joseph": "Joe",
    "Joshua": "Josh",
    "Katherine": "Kate",
    "Konstantinos": "Kostas",
    "Matilda": "Tilly",
    "Małgorzata": "Gosia",
    "Muhammad": "Mo",
    "Mohammed": "Mo",
    "Nikolaos": "Nikos",
    "Oluwadamilare": "Dami",
    "Oluwaseun": "Seun",
    "Rebecca": "Becky",
    "Samantha": "Sam",
    "Samuel": "Sam",
    "Theodore": "Theo",
    "Thomas": "Tom",
    "Tobechukwu": "Tobe",
    "William": "Will",
    "Zachary": "Zac",
}

# (legal first, legal last, preferred first, preferred last): every one has stopped some program somewhere.
ODD_PUPILS = (
    ("Laurence", "Llewelyn-Bowen Cholmondeley-Warner", "Laurence", "Llewelyn-Bowen Cholmondeley-Warner"),
    ("Lionel", "Llewelyn-Bowen Cholmondeley-Warner", "Lionel", "Llewelyn-Bowen Cholmondeley-Warner"),
    ("J", "O", "J", "O"),
    ("Y", "Nguyễn", "Y", "Nguyễn"),
    ("Christopher Jonathan James Alexander", "Ponsonby-Smythe-Fortescue", "Kit", "Ponsonby"),
    ("Elizabeth", "Null", "Lizzie", "Null"),
    ("D'Artagnan", "d'Arcy-O'Shaughnessy", "D'Artagnan", "d'Arcy-O'Shaughnessy"),
    ("Nicola", "Scunthorpe", "Nico", "Scunthorpe"),
    ("Robert", "Mc Donald", "Robert", "McDonald"),
    ("Björn", "Sørensen-Ågård", "Björn", "Sørensen-Ågård"),
    ("Oluwatobiloba", "Adeyemi-Oluwafunmilayo", "Tobi", "Adeyemi-Oluwafunmilayo"),
    ("Anne Marie", "Van Der Westhuizen", "Anne Marie", "Van Der Westhuizen"),
)

TITLES = {"F": ("Ms", "Miss", "Mrs", "Mrs", "Dr"), "M": ("Mr", "Mr", "Mr", "Mr", "Dr")}

SUBJECTS = (
    ("En", "English"),
    ("Ma", "Mathematics"),
    ("Sc", "Science"),
    ("Hi", "History"),
    ("Gg", "Geography"),
    ("Fr", "French"),
    ("Ar", "Art"),
    ("Cp", "Computing"),
    ("Pe", "Physical Education"),
)

SIXTH_FORM = (
    *SUBJECTS[:8],
    ("Bi", "Biology"),
    ("Ch", "Chemistry"),
    ("Ph", "Physics"),
    ("Ec", "Economics"),
    ("Ps", "Psychology"),
)

HOUSES = ("Austen", "Brunel", "Curie", "Darwin", "Ennis", "Franklin")

SUPPORT_ROLES = (
    "Teaching Assistant",
    "Learning Support Assistant",
    "Cover Supervisor",
    "Receptionist",
    "Exams Officer",
    "Science Technician",
    "Network Manager",
    "IT Technician",
    "Data Manager",
    "Site Manager",
    "Librarian",
    "Midday Supervisor",
    "Finance Assistant",
)
